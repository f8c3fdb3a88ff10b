"""The daemon: many jobs, each a local folder kept in step with a remote one.

app            runs a daemon until it is stopped
checks/        checks of jobs, without a run
daemon         the parts of a daemon, connected
far/           the far side of a job, by what its hostname names
handlers/      one method per command: request -> call
job/           one job: its loop, its limits and its status
jobs/          the set of all jobs and their files
live_settings  the daemon's settings file, read again while it runs
one_run        one run of the only job, for `cargo_sync run`
reporting/     what the daemon reports: feed, messages, callbacks, metrics
retention      deletes old records from the state
sessions/      a person's logins, gets and puts, without a job
"""
