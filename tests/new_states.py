"""New states are copies of one that was made as our programs make them: that takes a tenth of the
time of so many tests. `tests/state` makes each one itself."""

import os
from pathlib import Path

import pytest

from cargo_sync.state.database import Schema
from cargo_sync.state.sqlite.database import SqliteDatabase


class NewStates:
    """The content of a new state file of each kind, made when it is first needed.

    are_copied  may be changed at any time
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[Schema, bytes] = {}
        self.are_copied = True

    def copied(self, patch: pytest.MonkeyPatch) -> None:
        """From now on a state that is not there is copied when it is opened."""
        real = SqliteDatabase.open

        def opened(path: str, schema: Schema, *faults: object) -> SqliteDatabase:
            if self.are_copied and not faults and not os.path.exists(path):
                _write(path, self._content(schema))
            return real(path, schema, *faults)  # type: ignore[arg-type]

        patch.setattr(SqliteDatabase, "open", opened)

    def _content(self, schema: Schema) -> bytes:
        if schema not in self._made:
            path = self._folder / f"{schema}.db"
            SqliteDatabase.open(str(path), schema, lambda _: None).close()
            self._made[schema] = path.read_bytes()
        return self._made[schema]


def _write(path: str, content: bytes) -> None:
    """As the state makes its file; where it cannot be made, the state itself says so."""
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return
    with open(descriptor, "wb") as file:
        file.write(content)
