"""Checks of jobs, for `cargo_ctl job test`: step by step, without a run.

cargo_steps  the steps of a job with a Cargo server
near_steps   the steps that need no server
remote_steps  the steps of a job with somebody else's server
running      the checks that run now or ended lately
steps        one check: its steps, and what each came to
"""
