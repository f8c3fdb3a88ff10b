"""The engine: one run of a job, survey -> plan -> execute -> commit.

binding       opens both sides, and checks that the base belongs to them
commit        outcomes -> agreements and events
conflicts     paths that both sides of a two-way job changed
context       what all steps of a run need: rules, memory of the job, report, progress
displacements  what a run displaced in the local folder, for the ledger of its trash
execution/    planned steps -> outcomes, in one direction
planners/     the listings of folders -> the steps of each direction
planning      folders that differ -> steps
report        the counters of a run, and its result
run           one run, from beginning to end
survey        looks at both sides
verification  after an unclean stop: what was written lately is checked
"""
