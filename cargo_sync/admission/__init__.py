"""Who may move files now, and how fast: the daemon's slots and bandwidth, shared among its jobs.

bandwidth   the daemon's total rates, divided among what runs
fair_share  the division itself: equal shares, nobody gets more than they asked for (pure)
slots       how many may move files at the same time; the rest wait by priority and age
turn        one job's place in all of that: a slot and a share, from the start of a run to its end
"""
