"""One get or put without a job: files and folders copied on the engine's own pieces.

copier        brings what is found over, and tries again what was overtaken or cut
decision      what happens to one path: bring it, leave it, compare it, refuse it (pure)
progress      how far it is, what failed, the verdict at the end
transfer_ids  ids of large files that are under way, so that a cut one goes on later
walk          a tree read a page at a time
"""
