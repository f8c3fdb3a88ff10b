"""The workspace that is a folder: other programs may write there, so the folder is the truth.

catalogued_folder  the folder and its catalogue, kept in agreement
commit             uploaded files made visible and recorded
comparison         what other programs have changed in one folder
drop_box           the commit of a flow into a drop box
external_changes   changes by other programs, noticed and recorded
operations         create folder, delete, move
recorded           the files that were recorded last, and those that come next
suspects           after an unclean stop: which files are damaged
trash              versions of the trash: listed, restored, freed
unoffered          names that no client could use: logged once, and counted
upload             one file uploaded over plain HTTP
workspace          the workspace as the rest of the server uses it
"""
