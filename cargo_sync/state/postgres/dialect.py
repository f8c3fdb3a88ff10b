"""The rooms' statements, as PostgreSQL wants them.

The rooms write what both databases understand wherever they can. What is left are words, and this
is all of it:

- `?` and `?1` are `$1`.
- `user`, a name of ours, is a reserved word: it is quoted.
- `INDEXED BY name` goes: PostgreSQL has statistics.
- `BLOB` is `bytea`; `CAST(x AS INTEGER)` cuts fractions off, where PostgreSQL would round.
- `CAST(x AS TEXT)` of bytes is `convert_from`.
- `instr` of texts is `strpos`.
- Where `substr` begins is an `integer`, and our parameters are all `bigint`.
- `sqlite_sequence`, where SQLite keeps the newest numbers, is our table `counter`.
- What a comment `/* FOR UPDATE */` says is done: SQLite has one writer, and needs no lock of a row.
"""

import re
from functools import lru_cache
from typing import Final

_QUOTED: Final = re.compile(r"('(?:[^']|'')*')")
_PARAMETER: Final = re.compile(r"\?(\d*)")
_WORDS: Final = (
    (re.compile(r"\buser\b"), '"user"'),
    (re.compile(r"\bINDEXED BY \w+"), ""),
    (re.compile(r"\bBLOB\b"), "bytea"),
    (re.compile(r"\bCAST\(([^()]*(?:\([^()]*\)[^()]*)*) AS INTEGER\)"), r"trunc(\1)::bigint"),
    (
        re.compile(r"\bCAST\(([^()]*(?:\([^()]*\)[^()]*)*) AS TEXT\)"),
        r"convert_from(\1, 'UTF8')",
    ),
    (re.compile(r"\bsubstr\((\w+), (\?\d*)\)"), r"substr(\1, \2::integer)"),
    (re.compile(r"\binstr\("), "strpos("),
    (re.compile(r"\bsqlite_sequence\b"), "counter"),
    (re.compile(r"/\* FOR UPDATE \*/"), "FOR UPDATE"),
)


@lru_cache(maxsize=2_048)
def translated(sql: str) -> str:
    """A statement for PostgreSQL. What is in quotes stays."""
    parts = _QUOTED.split(sql)
    for at in range(0, len(parts), 2):
        for pattern, word in _WORDS:
            parts[at] = pattern.sub(word, parts[at])
    count = 0

    def numbered(found: re.Match[str]) -> str:
        nonlocal count
        if found[1]:
            return f"${found[1]}"
        count += 1
        return f"${count}"

    for at in range(0, len(parts), 2):
        parts[at] = _PARAMETER.sub(numbered, parts[at])
    return "".join(parts)
