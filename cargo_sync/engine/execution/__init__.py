"""Execution: planned steps become durable outcomes, in one direction of a run.

batches          how many files are handed over together
both_ways        both directions at once, fed by one survey
comparison       whether two files have the same content
direction        what does and records the steps from one side to the other
differences      compares both sides by content, beside the runs
file_moves       the renames of a two-way job, after the survey
metadata         what perhaps got another time or mode only; extended attributes
moving           the renames of a one-way job, after the survey
recognition      which steps can be renames instead
renaming         renames at the destination
steps            planned steps -> outcomes
transfer_starts  the ids of transfers, durable before the first byte
"""
