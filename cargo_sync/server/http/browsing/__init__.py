"""A folder as clients see it.

browse       entries and changes of a workspace
folder_page  a folder as HTML or JSON
polls        requests that wait for a change
trash        the trash: listed, restored, emptied
"""
