"""The server's totals: the file's, or what was set by command until the file says something else."""

from pathlib import Path
from typing import Any

import pytest

from cargo_sync.server.bandwidths import Bandwidths, holding
from cargo_sync.server.flows import Bandwidth
from cargo_sync.state.database import Database
from cargo_sync.state.overrides import Override, Overrides
from tests.server.surroundings import inline


@pytest.mark.parametrize(
    ("why", "file", "override", "holds"),
    [
        ("the file says what it said", 100, Override(100, 50), True),
        ("it says something else now", 200, Override(100, 50), False),
        ("it gave no limit, and gives none", None, Override(None, 50), True),
        ("it gives one now", 100, Override(None, 50), False),
        ("no limit in place of one", 100, Override(100, None), True),
        ("what the file says itself", 100, Override(100, 100), False),
    ],
)
def test_what_holds(why: str, file: int | None, override: Override, holds: bool) -> None:
    assert bool(holding(Bandwidth(upload=file), {"upload": override})) == holds, why


async def test_set_kept_and_over(tmp_path: Path) -> None:
    def told(found: Any) -> tuple[int | None, int | None, dict[str, int | None]]:
        return found.now.upload, found.now.download, dict(found.override)

    path = str(tmp_path / "state.db")
    with Database.open(path, "server") as database:
        limits = Bandwidths(Overrides(database), inline)
        assert told(await limits.read(Bandwidth(100, None))) == (100, None, {})
        assert told(await limits.set({"upload": 50})) == (50, None, {"upload": 50})
        assert told(await limits.set({"download": 7})) == (50, 7, {"upload": 50, "download": 7})
        assert told(await limits.set({"download": None})) == (50, None, {"upload": 50})
    with Database.open(path, "server") as database:
        limits = Bandwidths(Overrides(database), inline)
        assert told(await limits.read(Bandwidth(100, None))) == (50, None, {"upload": 50})
        assert told(await limits.read(Bandwidth(200, None))) == (200, None, {})
        # It is over for good, and not only while the file says this.
        assert told(await limits.read(Bandwidth(100, None))) == (100, None, {})
