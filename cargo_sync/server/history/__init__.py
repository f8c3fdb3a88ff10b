"""What a server remembers, and for how long; the catalogue tells the history of its own changes.

journal    all of it, put together
downloads  files that left: collected, and written together
names      the names of workspaces by their folders, and back
users      when a user was there last, and how much they moved
retention  old rows of the state are deleted, in small parts
"""
