"""The set of a daemon's jobs and their files.

drafts    job files as people see, check and change them
folder    the jobs folder, where the daemon adds and removes job files
put_aside  job files that were removed or replaced: a few stay, for a while
loading   reading job files
registry  all jobs, each with its supervisor; reloading them
replacing  jobs that end, to begin again with other settings: orders wait for that
unusable  jobs that are configured and cannot run
verifications  comparisons of both sides of a job
"""
