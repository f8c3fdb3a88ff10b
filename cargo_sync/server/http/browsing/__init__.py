"""A folder as clients see it.

browse  entries and changes of a workspace
polls   requests that wait for a change
trash   the trash: listed, restored, emptied
"""
