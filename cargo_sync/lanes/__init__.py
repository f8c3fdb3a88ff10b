"""The data plane: state machines that move file content over TCP, and the threads that run them.

arriving   a batch at its receiver: which files are still missing
channel    a socket as a byte stream that never blocks
connect    opens lanes: connect or accept, then the handshake
current    the file that is under way on a lane
end        one end of a lane: what `Sender` and `Receiver` have in common
figures    what a lane reports about itself while it runs
joining    messages that arrive in several records
link       frames over a channel, sealed or plain
listener   the port for lanes
outgoing   messages that wait to be sent
pacing     how a sender keeps the speed that it was granted
pieces     what a sender still has to read, and how it fills frames
ports      the interfaces that a lane needs: `Channel`, `Source`, `Sink`, `Budget`
postponed  batches that the server had no room for
receiver   the receiving end of a lane
sender     the sending end of a lane
states     the states of an end and the ways between them, as a table
tcp_info   what the kernel knows about a connection
threads    the driver: a thread that polls a lane's socket and steps its machine
tuning     the options of a lane's TCP socket
waiting    sinks and sources without a lane: for threads that may wait
"""
