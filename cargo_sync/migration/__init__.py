"""`cargo_sync migrate`: a workspace moves from a folder to storage nodes or a bucket, or back.

Its users see no difference. The workspace stays the same in the catalogue: names, versions, ids,
the feed and its lineage, the history, grants, receipts of drop boxes and the rows of the trash are
not touched. Only where its contents lie changes. The server is stopped meanwhile; to a bucket and
back most of it moves while it runs, and it is stopped for the last look alone. The old place
stays complete until the new one is; then the server's file names the new place, and the workspace
is found there (`state.workspace_moves`). After a kill, the same command goes on: what is at the new
place already is not moved again.

command        the command in a process: its file, its log, its exit code
ahead          most of it, while the workspace is served
contents       the rows of what a workspace has in a store
ending         how the work ends early
giving_up      a move that has not ended is given up
leaving        what was left behind: told, and removed
parts          the state of a server, and what is made of it
place          what the command is asked, and what it needs of room: values
planning       what a move would do: looked for, shown, and agreed to
placing        files that are written into a folder
progress       how far it is
removal        what may be removed of an old folder, and of a store
rooms          the folder that a workspace is to get, and the room on disks
run            a move, from its order to its end
screen         what people see of it
sending        contents on their way into a store
served         a move begins while its workspace is served
settings_file  the place of a workspace in the server's file
stores         the store to which a workspace moves, or from which it comes
survey         what would have to be done, and what cannot be kept
to_database    a server's state goes from its file into PostgreSQL
to_folder      from a store into a folder
to_nodes       from a folder into a store
trash_to_folder  the same of the trash
trash_to_nodes   the same of the trash
"""
