"""Who may move files now, and how fast: the daemon's slots and bandwidth, shared among its jobs.

bandwidth   the daemon's bandwidth, divided among the jobs that move files now
fair_share  how it is divided: equal shares, none larger than asked for (pure)
slots       how many jobs may move files at the same time; the others wait, by priority and age
turn        a job's slot and its share of the bandwidth, for as long as it moves files
"""
