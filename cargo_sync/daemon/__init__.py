"""The daemon: many jobs, each a local folder kept in step with a remote one.

app         the only place that constructs things; runs until it is stopped
jobs        the jobs that there are: a supervisor each, in a task of its own; job files read and
            read again
supervisor  one job's loop: look -> run -> wait
bounds      when a job may move files and how fast: hours (window, timetable), limits (by file or by
            order), turn (slots, by priority; shares of the daemon's bandwidth)
following   hours that pass and rates that change, while a job goes on
own_file    the daemon's own file, read again
hearing     what brings a look forward: the watcher of the local folder, the server's long poll
filing      the jobs folder, as the daemon itself writes there; files: job files, read
trial       one job tried step by step, without a run; trials: those under way
sessions    a person's logins, gets and puts, without a job
standing    how a job stands, as plain values; meter: rates
handlers    request -> call; views: values -> messages; feed: what is published, and when
"""
