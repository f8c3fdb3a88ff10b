"""The simulation: jobs from seeds, with everything that may go wrong, and what must still hold.

A seed says what people do on both sides, what fails, and when. The same seed always tells the same
history; its trace has a hash. There are two tiers:

- The planner, with an executor in memory: thousands of histories a second (`planner`).
- The whole engine (survey, plan, execute, commit) with its state in SQLite, two trees in memory,
  lanes in memory and a fake clock (`system`).

`make sim SEEDS=100000` runs both. docs/architecture.md says how to use them.

campaign    many seeds; what failed, and what was covered
epoch       what one-sided changes must have come to when both sides rest
ledger      counts the copies of each content
people      what people do to the two sides
planner     the first tier
story       one seed's chance, trace and coverage
tiers       the tiers by name
"""
