"""The data plane: machines that move files between a source or a sink and a channel, and what
drives them.

channel   a byte stream that never blocks: a socket, or memory
link      frames over a channel, sealed or plain
states    where an end stands, and the ways from there, as a table
end       one end of a lane: a `Sender` or a `Receiver`, stepped by a driver
driver    a thread that polls a socket, or a loop that alternates ends in memory
source    where a sender reads; sink: where a receiver stages and commits
pace      how a sender keeps the rate it was granted
"""
