"""The interactive client: `cargo_ctl shell URL`, `cargoclient --mode=client --host=URL`.

carrying    runs one line and shows its errors
client      opens daemon and session, runs a prompt or a script, closes them
commands/   the commands, one file per group
completion  what Tab offers
copy        `cargo_ctl copy`: from one server to another
interrupts  Ctrl-C and signals
location    the current folders of both sides, and what a typed path means
moving      runs gets, puts and copies: several at once, with bars and questions
output      where commands show their results: a terminal, or anything else
parser      a line as a command: words, quotes, options
patterns    names that match `*`, `?` and `[…]`
prompt      the client at a terminal
script      the client without a terminal
sides       the files that the words of a command mean, on both sides
state       what the commands of one client share
table       all commands by name, and their help
verbs       what a command is: its name, arguments, options

A line goes through `parser` and `table` to one of `commands/`, which calls the daemon's session,
renders the result with `render/` and shows it on `output`. `parser`, `location`, `patterns` and
`completion` only decide: they read nothing.
"""
