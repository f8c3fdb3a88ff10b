"""How the house is kept, where no other tool looks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
UNTYPED: Final = re.compile(r"\b(?:[dD]ict|Mapping)\[str, Any\]")
EDGES: Final = {
    "cargo_ctl/render": "renderers: an answer becomes text, by the names of its fields",
    "cargo_ctl/top": "renderers of the whole screen",
    "cargo_sync/api/client.py": "hands a daemon's answer to front ends and to scripts",
    "cargo_sync/api/gapless.py": "hands on the rows of `history` as a daemon answered them",
    "cargo_sync/api/messages.py": "encodes and decodes the messages of the control plane",
    "cargo_sync/config/events.py": "decodes the `events` of a job file",
    "cargo_sync/config/pydio.py": "decodes the files of a PydioSync installation",
    "cargo_sync/config/relaxed.py": "holds a file's JSON before a shape takes it",
    "cargo_sync/config/server_shape.py": "decodes a server's file",
    "cargo_sync/daemon/reporting/views.py": "encodes what a daemon tells of its jobs",
    "cargo_sync/daemon/sessions/views.py": "encodes what a session tells",
    "cargo_sync/process/scrape.py": "the keyword arguments of aiohttp's server",
    "cargo_sync/server/http/answers.py": "encodes the answers of the HTTP API",
    "cargo_sync/process/http/limits.py": "the keyword arguments of aiohttp's server",
    "cargo_sync/server/reporting/views.py": "encodes what a server tells of users and flows",
    "cargo_sync/state/events.py": "encodes the details of an event's row",
}
"""The encoders and decoders: the only files in which an object may have any fields of any type."""


def test_objects_of_any_form_stay_in_encoders_and_decoders() -> None:
    found = {f"{file}:{number}" for file, number in untyped() if edge_of(file) is None}
    assert found == set(), "give these values a type, or build and read them in one of EDGES"


def test_every_edge_is_one() -> None:
    assert {edge_of(file) for file, _ in untyped()} - {None} == EDGES.keys()


def untyped() -> Iterator[tuple[str, int]]:
    """(file, line) of each such annotation."""
    for package in ("cargo_ctl", "cargo_sync"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if UNTYPED.search(line):
                    yield path.relative_to(ROOT).as_posix(), number


def edge_of(file: str) -> str | None:
    """The entry of EDGES that a file belongs to."""
    return next((edge for edge in EDGES if file == edge or file.startswith(f"{edge}/")), None)
