"""Small state machines and schedules, as tables and pure functions: time is an argument.

arrival      how much of what is to be moved is at its destination
budget       how much of what clients have begun a server holds
client_fence  whether a job has the state that its server has met last
cluster/      servers that share one state: which of them are there
cover        which bytes of a wanted file have arrived
fetched_parts  which parts of a file somebody fetched
half_open    connections without a login: which one is dropped
job_state    the state of a job, and of a whole daemon
looks        when a job looks for changes next
meter        how fast a count grows
nodes/        storage nodes: states, placement, copies, repair, what comes back
newest_change  the newest change of a server that a client knows of: did the server go back?
one_run      when one run of a job without a daemon is over, and with which result
own_changes  which changes of a server a client made itself
pacing       when a lane may send its next frame
progress     whether tries of a transfer that is cut again and again get any further
quota        how much may be in a workspace, and what is too much
rate_history  how fast files moved in the last minutes and the last day
replays      when a feed sends last values again to new subscribers, and which
retention    how old what is kept is, whatever the wall clock does
retry        when something that failed is tried again
room         whether a destination has room, from what it takes and refuses
scope        what a look looks at in a local folder: all of it, or what may have changed
seen_hashes  which hashes were seen, in little memory
settling     whether a source file has been unchanged for long enough
stalling     for how long nothing has moved any more
suspects     after an unclean stop: which files are still what they were
trash_limits  what of a trash is freed: the old, and the oldest if there is too much
two_looks    whether a file on a server is still being written there
window       whether a daily time window is open, and when that changes
"""
