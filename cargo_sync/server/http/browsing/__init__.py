"""A folder as clients see it.

browse  entries and changes of a workspace
page    the page of files for people
polls   requests that wait for a change
trash   the trash: listed, restored, emptied
"""
