"""The engine: one run of a job, survey -> plan -> execute -> commit.

batches          how many files are handed over together
binding          opens both sides, and checks that the base belongs to them
commit           outcomes -> agreements and events
comparison       whether two files have the same content
context          what all steps of a run need: rules, memory of the job, report, progress
direction        one direction of a run: what does and records the steps from side to side
execution        planned steps -> outcomes
planning         folders that differ -> steps
report           the counters of a run, and its result
run              one run, from beginning to end
survey           looks at both sides
transfer_starts  the ids of transfers, durable before the first byte
verification     after an unclean stop: what was written lately is checked
"""
