"""Listeners are called in turn, and a failing one does not affect the others."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cargo_sync.daemon.job.supervisor import Listener, Supervisor
from cargo_sync.daemon.reporting.listeners import Listeners
from cargo_sync.model.events import EventGroup, Happened
from tests.daemon.house import House, going, until

UPLOADED = EventGroup("nightly", Happened.UPLOADED, 5, ["a"], 10)


class Notes(Listener):
    """Records its calls; a `broken` one fails after that."""

    def __init__(self, lines: list[str], name: str, *, broken: bool = False) -> None:
        self._lines = lines
        self._name = name
        self._broken = broken

    def happened(self, events: Sequence[EventGroup]) -> None:
        self._note(f"{events[0].happened} {events[0].cursor}")

    def changed(self, job: Supervisor) -> None:
        self._note(f"{job.name} changed")

    def removed(self, name: str) -> None:
        self._note(f"{name} removed")

    def _note(self, what: str) -> None:
        self._lines.append(f"{self._name}: {what}")
        if self._broken:
            raise RuntimeError("broken")


def test_one_that_fails_is_logged_and_the_others_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[str] = []
    job = House(tmp_path).job()
    listeners = Listeners(
        (Notes(lines, "1"), Notes(lines, "2", broken=True), Listener(), Notes(lines, "3"))
    )
    listeners.happened([UPLOADED])
    listeners.changed(job)
    listeners.removed("nightly")
    told = ("uploaded 5", "nightly changed", "nightly removed")
    assert lines == [f"{number}: {what}" for what in told for number in "123"]
    assert [record.getMessage() for record in caplog.records] == [
        f"a listener failed: Notes.{call}" for call in ("happened", "changed", "removed")
    ]


async def test_a_run_goes_on_although_a_listener_fails(tmp_path: Path) -> None:
    house, lines = House(tmp_path), list[str]()
    job = house.job(listener=Listeners((Notes(lines, "broken", broken=True), house.recorder)))
    house.near["nightly"].write("a", b"1")
    async with going(job):
        await until(lambda: job.state == "synced")
    assert house.recorder.said() == ["uploaded a"]
    assert "broken: uploaded 1" in lines
