"""Real programs that are killed, stopped and cut in the middle of a scripted run.

battlefield  a server, a daemon and two jobs, and what must be true of them in the end
campaign     every fault at every call: `make crash`, with a table at the end
endings      what it means that a program ended
faults       the faults: each breaks something while the script runs
proxy        a TCP proxy that cuts connections
script       what a person does in the folder of the upload job
seam         a program that dies, or whose disk fails, at its Nth call that writes
"""
