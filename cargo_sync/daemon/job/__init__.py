"""One job: its loop, its limits and its status.

following     windows that open and speeds that change during a run
limits        when this job may move files and how fast
local_hints   the local folder: its changes bring the next look forward; when it is let go
outcomes      how the last looks ended, each reported once
previews      plans that people asked for
remote_hints  the server's long poll, which brings the next look forward
sampler       progress and speeds, once per second
schedule      the job's window and timetable, compared with the clock
status        the job's status as plain values
supervisor    the loop: look, run, wait
"""
