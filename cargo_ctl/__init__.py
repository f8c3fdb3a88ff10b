"""The front ends: `cargo_ctl` and `cargoclient`.

answers     the fields of an answer, as typed values
client/     `cargoclient`: one job file in sync, or the backup menu
commands/   the commands of `cargo_ctl`, one file per noun
completion  Tab completion in bash, zsh and fish
folder_versions  files that went to the trash with their folder
inviting    invitations: their tokens are made here
main        the command line of `cargo_ctl`
manual      manual pages, made from the help texts
names       completion of names: jobs, transfers, users
options     options that several commands share
password    passwords: typed, or read from a file
recovery_keys  new recovery keys: they are made here
reach       how a command reaches its daemon or server, prints its result, and ends
render/     results as text
session/    a login at a server, held by a daemon: files by hand
shell/      the interactive client
shells      how shells split a line and quote a name
top/        the jobs on the whole screen
watching    a feed shown live, or one line per change
web/        `cargo_ctl web`: the page of jobs and servers

They send ZeroMQ messages to a daemon or server. Of its code they use only `cargo_sync.api` and
`cargo_sync.suggest`.
"""
