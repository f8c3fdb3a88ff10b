"""The simulation: jobs from seeds, with everything that may go wrong, and what must still hold.

A seed says what people do on both sides, what fails, and when. The same seed always tells the same
history; its trace has a hash. There are these tiers:

- The planner, with an executor in memory: thousands of histories a second (`planner`).
- The planner of two-way jobs, likewise (`two_way`).
- The whole engine (survey, plan, execute, commit) with its state in SQLite, two trees in memory,
  the client's flows on lanes in memory, and a fake clock (`system`).
- The same for two-way jobs (`two_way_system`).
- All four with a far side that is somebody else's server, which keeps and tells less (`foreign`).
- A download into a real folder, on a disk that loses what was not synced (`disk`).

`make sim SEEDS=100000` runs all. docs/architecture.md says how to use them.

campaign    many seeds; what failed, and what was covered
changes     what people of one side of a two-way job changed, and how that follows a rename
disk        the tier on a disk
epoch       what one-sided changes must have come to when both sides rest
foreign     the tiers whose far side is somebody else's server
lanes       the client's flow and both ends of its lanes, without sockets and threads
ledger      counts the copies of each content
lively      the two trees of a whole run
losing      a disk that loses what was not synced
mutants     planted bugs, and how many seeds find them
oracle      what must hold at each moment of a whole run
pairs       what the two sides of a two-way job have as one and the same thing
peers       what changes on both sides of a two-way job must have come to
people      what people do to the two sides
planner     the tier of one-way plans
story       one seed's chance, trace and coverage
system      the tier of whole runs
tiers       the tiers by name
two_way     the tier of two-way plans
two_way_system  the tier of whole runs of two-way jobs
weather     what may happen within a run
"""
