"""The set of jobs.

folder    the jobs folder, as the daemon itself writes in it
loading   job files, read
registry  the jobs that there are, each with its supervisor; files read again
"""
