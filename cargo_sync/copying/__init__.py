"""One get or put without a job: copies files and folders with parts of the engine.

copier        copies what a walk finds, and retries what changed or was cut
decision      what to do with one path: copy, skip, compare or refuse it (pure)
progress      counters, failures, and the verdict at the end
retries       which files are tried again, in rounds
transfer_ids  ids of large files, so that a cut transfer continues later
walk          reads a tree page by page
"""
