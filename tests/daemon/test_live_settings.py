"""The daemon's settings file, read again while jobs run."""

import json
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.api.messages import ControlError
from cargo_sync.config.daemon import load_daemon
from cargo_sync.daemon.live_settings import LiveSettings
from tests.daemon.house import House

ENV = {"HOME": "/home/ana"}


class Written:
    """The file, and the settings that were read from it."""

    def __init__(self, folder: Path, **fields: Any) -> None:
        self.house = House(folder)
        self.path = folder / "daemon.json"
        self.write(**fields)
        self.started()

    def write(self, **fields: Any) -> None:
        self.path.write_text(json.dumps(fields))

    def started(self) -> LiveSettings:
        """Reads the file as a new process does."""
        house = self.house
        self.own = LiveSettings(
            load_daemon(str(self.path), ENV),
            ENV,
            house.slots,
            house.shares,
            house.limits,
            house.world().offload,
        )
        return self.own

    async def granted(self) -> int | None:
        """The bandwidth that one job alone would get."""
        share = self.house.shares.of("a", lambda: None)
        share.join()
        share.leave()
        return share.rate


async def test_limits_are_taken_over_at_once(tmp_path: Path) -> None:
    file = Written(tmp_path, bandwidth="80mbps", parallel_transfers=1)
    await file.own.begin()
    assert await file.granted() == 80_000_000
    file.write(bandwidth="20mbps", parallel_transfers=3)
    assert await file.own.read() == []
    assert await file.granted() == 20_000_000
    for name in "abc":
        await file.house.slots.enter(name, 50)  # there is room for three
    file.write()
    assert await file.own.read() == []
    assert await file.granted() is None


async def test_the_rest_waits_for_the_next_start_and_says_so_until_then(tmp_path: Path) -> None:
    file = Written(tmp_path, bandwidth="80mbps")
    await file.own.begin()
    file.write(bandwidth="10mbps", state_dir="/elsewhere")
    for _ in range(2):
        [line] = await file.own.read()
        assert "all other changes after the next start" in line
    assert await file.granted() == 10_000_000


async def test_a_bad_file_leaves_everything_as_it_was(tmp_path: Path) -> None:
    file = Written(tmp_path, bandwidth="80mbps")
    await file.own.begin()
    file.write(bandwidth="fast")
    [line] = await file.own.read()
    assert 'bandwidth: "fast" is not a speed' in line
    assert await file.granted() == 80_000_000


async def test_an_order_holds_across_restarts_until_the_file_says_another(tmp_path: Path) -> None:
    file = Written(tmp_path, bandwidth="80mbps")
    await file.own.begin()
    await file.own.limits.order("bandwidth.set", {"bandwidth": "5mbps"})
    assert await file.granted() == 5_000_000
    await file.started().begin()
    assert await file.granted() == 5_000_000
    file.write(bandwidth="80mbps", parallel_transfers=2)
    assert await file.own.read() == []
    assert await file.granted() == 5_000_000
    file.write(bandwidth="90mbps")
    await file.own.read()
    assert await file.granted() == 90_000_000


async def test_without_a_file_there_is_nothing_to_read(tmp_path: Path) -> None:
    house = House(tmp_path)
    own = LiveSettings(
        load_daemon(None, ENV), ENV, house.slots, house.shares, house.limits, house.world().offload
    )
    await own.begin()
    assert (await own.read(), own.total()) == ([], None)
    with pytest.raises(ControlError, match="is not a speed"):
        await own.limits.order("bandwidth.set", {"bandwidth": "fast"})
