"""One get or put without a job: files and folders copied on the engine's own pieces.

copier        copies what is found, and tries again what had changed or was cut
decision      what happens to one path: copy it, leave it, compare it, refuse it (pure)
progress      how far it is, what failed, the verdict at the end
retries       which files are tried again, a round of them at a time
transfer_ids  ids of large files that are under way, so that a cut one goes on later
walk          a tree read a page at a time
"""
