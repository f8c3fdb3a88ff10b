"""`cargo_sync init server|job|node`: asks little, and writes a file of settings, mode 0600.

commands   the command lines, with an option for each question
questions  asks at a terminal, unless an option has answered already
server     the file of a server
job        the file of a job: what is asked, in which order
new_job    what is the same of every new job: its folder here, its name, its file
remote_job  the questions of a job with somebody else's server
remote     somebody else's server: looked at, logged in to, counted
node       the file of a storage node
recovery   a server comes back on a new machine, from its storage nodes
far        the server of a new job: reached, trusted, logged in to, looked at
near       the daemon of a new job: its files, its other jobs
forecast   what a first run would do, in words
first_run  how the first run gets on, in the terminal of a new daemon

Nothing stays behind until the last answer was given: no file, no folder, no login on a server.
"""
