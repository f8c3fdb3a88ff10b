"""A folder as clients see it.

browse       its entries, a page at a time
folder_page  the same as HTML
polls        requests that wait for a change
"""
