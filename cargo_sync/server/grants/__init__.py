"""Grants: what a user sees of a workspace, and may do with it.

rights     what each kind of access allows: the table that every door asks
view       a workspace, or one folder of it, as its user sees it
wording    messages and places without the folders above a user's own
drop_box   the view of a user who may only add files
receipts   what a user has added to a drop box
"""
