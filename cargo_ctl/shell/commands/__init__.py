"""The commands of the interactive client, one small file per group.

client   use, quit
files    mkdir, delete, rename
folders  ls, cwd, cd, on both sides
jobs     jobs, sync, plan
moving   get, put, speed, transfers, cancel, wait
servers  open, close
trash    undelete, and what `ls -t` lists

Each file has a tuple `VERBS`; `shell.table` joins them.
"""
