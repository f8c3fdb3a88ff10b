"""The interactive client: `cargo_ctl shell URL`, `cargoclient --mode=client --host=URL`.

    a line -> parser -> Line -> table -> Verb -> commands/ -> Session (the daemon's) -> render ->
    output

`parser`, `location`, `patterns` and `completion` decide and read nothing; `prompt` is a terminal,
`script` is anything else; both run the same commands.
"""
