"""The engine: one run of a job as a straight line, survey -> plan -> execute -> commit.

batches          what is handed over together
binding          both sides are reached; is the base still theirs?
commit           outcomes become agreements and events
comparison       do two files hold the same?
context          what the steps are given: rules, memory of the job, report, progress
execution        planned steps become outcomes
planning         folders that differ become steps
progress         how far a run has come
report           what a run came to
run              one run, from beginning to end
survey           both sides are looked at
transfer_starts  ids of what is about to be sent, durable before the first byte
"""
