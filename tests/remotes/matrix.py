"""What each server can do as a job's far side, as a table in docs/remotes.md.

    .venv/bin/python -m tests.remotes.matrix

starts each server of the conformance suite that can be had here, asks it, and writes its row; rows
of the others stay as they are.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from cargo_sync.model.abilities import Abilities, Publishing, Replacing, Resuming, Trashing
from tests.conformance.remotes import FACTORIES, MORE, Factory
from tests.remotes.remotes import Remotes

PAGE: Final = Path(__file__).parents[2] / "docs" / "remotes.md"
_PROTOCOLS: Final = ("sftp", "webdav", "ftp", "pydio", "s3")
"""In the order of the page; of clouds there is no server to be asked."""
FOUND: Final = {
    key.removeprefix(f"{protocol} "): factory
    for protocol in _PROTOCOLS
    for key, factory in (FACTORIES | MORE).items()
    if key.startswith(f"{protocol} ")
}
"""The factories of real servers, by the server's name."""
HEAD: Final = (
    "server", "version", "times", "modes", "links", "a file is replaced", "what is displaced",
    "an upload that was cut", "contents are compared", "what is new is found",
)  # fmt: skip
_ROW: Final = re.compile(r"^\| ([\w-]+) \|.*\|$", re.MULTILINE)
_START: Final = f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}\n"
_TRASH: Final = {
    Trashing.RENAME: "renamed into the trash",
    Trashing.COPY: "copied into the trash by the server",
    Trashing.VERSIONS: "an older version",
    Trashing.NONE: "gone",
}
_RESUMES: Final = {
    Resuming.PARTS: "goes on with the missing parts",
    Resuming.APPEND: "goes on where it was",
    Resuming.NONE: "begins anew",
}


def row(name: str, version: str, can: Abilities) -> str:
    """The row of one server."""
    step = can.time_step
    times = "not kept" if step is None else f"in steps of {step / 10**9:g} s"
    is_bucket = can.publishing is Publishing.MULTIPART
    cells = (
        name,
        version,
        "beside the content" if is_bucket else times,
        "kept" if can.modes else "beside the content" if is_bucket else "not kept",
        "kept" if can.links else "left out",
        "on a condition" if can.replacing is Replacing.ATOMIC else "after a look",
        _TRASH[can.trashing],
        _RESUMES[can.resuming],
        can.comparing,
        "in its log of changes" if can.feed else "by listing all",
    )
    return f"| {' | '.join(cells)} |"


def rows_of(page: str) -> Mapping[str, str]:
    """The rows of the table of a page, by the names of servers.

    Raises:
        ValueError: it has no such table.
    """
    start = page.index(_START) + len(_START)
    table = page[start:].partition("\n\n")[0]
    return {match[1]: match[0] for match in _ROW.finditer(table)}


def with_rows(page: str, found: Mapping[str, str]) -> str:
    """The page with these rows in its table, instead of those of the same names."""
    start = page.index(_START) + len(_START)
    rest = page[start:].partition("\n\n")[2]
    rows = {**rows_of(page), **found}
    table = "".join(f"{rows[name]}\n" for name in FOUND if name in rows)
    return f"{page[:start]}{table}\n{rest}"


async def asked(remotes: Remotes, name: str, factory: Factory) -> str:
    """The row of a server, which is started and asked."""
    version = remotes.get(name).version
    async with factory(remotes) as remote:
        await remote.open(make=True)
        await remote.find_out()
        can = remote.abilities
        await remote.close()
    return row(name, version, can)


def main() -> None:
    """Asks all servers, and writes the table."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="cargo-matrix-") as folder:
        Path(folder).chmod(0o711)  # some servers serve as a user of their own
        remotes = Remotes(Path(folder))
        try:
            for name, factory in FOUND.items():
                try:
                    found[name] = asyncio.run(asked(remotes, name, factory))
                except pytest.skip.Exception as missing:
                    print(missing, file=sys.stderr)
        finally:
            remotes.close()
    PAGE.write_text(with_rows(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    print("\n".join(found.values()))


if __name__ == "__main__":
    main()
