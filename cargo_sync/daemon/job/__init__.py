"""One job: its loop, when and how fast it may move files, and how it stands.

check_steps   the steps of `cargo_ctl job test`, tried without a run
checks        the checks that are under way
following     windows that open and rates that change while a run goes on
limits        when this job may move files and how fast
local_hints   the watcher of the local folder brings the next look forward
outcomes      what the last looks ended with, told once each
remote_hints  the server's long poll brings the next look forward
sampler       progress and rates, once a second
schedule      the job's window and timetable against the clock
status        how the job stands, as plain values
supervisor    the loop: look, run, wait
"""
