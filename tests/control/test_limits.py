"""Limits: the file's, or those of a command until the file changes."""

from pathlib import Path

import pytest

from cargo_sync.api.arguments import Args
from cargo_sync.api.messages import ControlError
from cargo_sync.api.server_commands import BANDWIDTH_SET, ServerBandwidth
from cargo_sync.control.limits import Limits, speed
from cargo_sync.control.nouns.bandwidth import BandwidthHandlers
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Database
from cargo_sync.state.limits import LimitRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import inline

FILE = {"upload": 100, "download": None}


class Totals:
    """Two limits; `granted` lists their values after each change."""

    def __init__(self, database: Database) -> None:
        self.granted: list[dict[str, int | None]] = []
        self.rows = LimitRows(database)
        self.limits = Limits(
            None, self.rows, inline, lambda: self.granted.append(self.limits.holding())
        )

    async def order(self, **texts: str | None) -> dict[str, int | None]:
        await self.limits.order("bandwidth.set", texts)
        return self.granted[-1]

    async def read(self, **file: int | None) -> dict[str, int | None]:
        await self.limits.read(FILE | file)
        return self.granted[-1]


async def test_ordered_kept_and_over(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    with SqliteDatabase.open(path, "server") as database:
        totals = Totals(database)
        assert await totals.read() == FILE
        assert await totals.order(upload="50bps") == {"upload": 50, "download": None}
        assert await totals.order(download="7kbps") == {"upload": 50, "download": 7_000}
        assert await totals.order(download=None) == {"upload": 50, "download": None}
        assert await totals.order(download=None) == {"upload": 50, "download": None}
    with SqliteDatabase.open(path, "server") as database:
        totals = Totals(database)
        assert await totals.read() == {"upload": 50, "download": None}
        assert await totals.order(upload=" NONE ", download="9bps") == {
            "upload": None,
            "download": 9,
        }
        assert len(totals.granted) == 2, "once for all that was ordered together"
        assert await totals.read(upload=200) == {"upload": 200, "download": 9}
        # It is over for good, and not only while the file says this.
        assert await totals.read() == {"upload": 100, "download": 9}
        assert await totals.read(download=9) == {"upload": 100, "download": 9}
        assert [set(row) for row in totals.limits.shown()] == [{"name", "file", "now"}] * 2


async def test_all_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        totals = Totals(database)
        await totals.read()
        with pytest.raises(
            ControlError, match=r'^`bandwidth\.set`: "download": "fast" is not a speed'
        ):
            await totals.order(upload="50bps", download="fast")

        def full(*_: object) -> None:
            raise ProblemError(Problem(Code.DISK_FULL, "the disk is full"))

        with monkeypatch.context() as broken:
            broken.setattr(totals.rows, "set", full)
            with pytest.raises(ProblemError):
                await totals.order(upload="50bps")
        assert (totals.limits.holding(), len(totals.granted)) == (FILE, 1)
        assert LimitRows(database).of(None) == {}


async def test_as_they_are_shown(tmp_path: Path) -> None:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        totals = Totals(database)
        await totals.read()
        handlers = BandwidthHandlers(totals.limits, BANDWIDTH_SET)
        file = [
            {"name": "upload", "file": 100, "now": 100},
            {"name": "download", "file": None, "now": None},
        ]
        assert await handlers.show(Args()) == {"bandwidth": file}
        upload = {"name": "upload", "file": 100, "override": None, "now": None}
        assert await handlers.set(ServerBandwidth(upload="none")) == {
            "bandwidth": [upload, file[1]]
        }
        with pytest.raises(ControlError, match="needs something to set") as refused:
            await handlers.set(ServerBandwidth())
        assert refused.value.hint == "upload or download"


@pytest.mark.parametrize(
    ("text", "bits"), [("10mbps", 10_000_000), (" 1.5Gbps ", 1_500_000_000), ("None", None)]
)
def test_a_speed(text: str, bits: int | None) -> None:
    assert speed("bandwidth.set", "upload", text) == bits


@pytest.mark.parametrize("text", ["fast", "0bps", "10", "-1mbps", "reset", "nan bps"])
def test_what_is_no_speed_is_told_how(text: str) -> None:
    with pytest.raises(ControlError, match=r'^`user\.set`: "upload_speed": .*a speed') as refused:
        speed("user.set", "upload_speed", text)
    assert refused.value.code == "bad_argument"
    assert (
        refused.value.hint
        == 'a number and bps, kbps, mbps or gbps, such as "10mbps", or "none" for no limit'
    )
