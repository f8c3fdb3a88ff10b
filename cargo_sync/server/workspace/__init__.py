"""A workspace: one folder and its catalogue.

catalogued_folder  the folder and the catalogue, kept in step
commit             uploaded files made visible
external_changes   what other programs write there is noticed and taken in
opened             the workspaces that are open
operations         create folder, move, delete
upload             a lane's end that writes into a workspace
workspace          all of it behind one door
"""
