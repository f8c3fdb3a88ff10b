"""Execution: planned steps become durable outcomes, in one direction of a run.

batches          how many files are handed over together
both_ways        both directions at once, fed by one survey
comparison       whether two files have the same content
direction        what does and records the steps from one side to the other
differences      compares both sides by content, beside the runs
metadata         what perhaps got another time or mode only; extended attributes
moved_apart      what both sides have moved, each to another path
moving           the renames of a run, after the survey
recognition      which steps can be renames instead
renaming         renames at the destination
steps            planned steps -> outcomes
transfer_starts  the ids of transfers, durable before the first byte
"""
