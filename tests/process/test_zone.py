"""The machine's time zone, with its rules."""

from datetime import UTC, datetime, tzinfo
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from cargo_sync.process.zone import machine_zone


def offsets(zone: tzinfo) -> list[str]:
    """In winter and in summer: a zone without rules has one offset."""
    return [datetime(2026, month, 1, tzinfo=zone).strftime("%z") for month in (1, 7)]


@pytest.fixture
def localtime(tmp_path: Path) -> Path:
    """/etc/localtime of a machine in Madrid."""
    zones = tmp_path / "share" / "zoneinfo" / "Europe"
    zones.mkdir(parents=True)
    with as_file(files("tzdata") / "zoneinfo" / "Europe" / "Madrid") as path:
        (zones / "Madrid").write_bytes(path.read_bytes())
    link = tmp_path / "localtime"
    link.symlink_to(zones / "Madrid")
    return link


def test_the_file_of_the_machine_by_its_name(localtime: Path) -> None:
    zone = machine_zone({}, str(localtime))
    assert (str(zone), offsets(zone)) == ("Europe/Madrid", ["+0100", "+0200"])


def test_a_copy_has_no_name(localtime: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(localtime.read_bytes())
    zone = machine_zone({}, str(copy))
    assert (str(zone), offsets(zone)) == ("local time", ["+0100", "+0200"])


@pytest.mark.parametrize(
    ("variable", "winter_and_summer"),
    [
        ("America/New_York", ["-0500", "-0400"]),
        (":America/New_York", ["-0500", "-0400"]),
        ("CET-1CEST,M3.5.0,M10.5.0/3", ["+0100", "+0200"]),
        ("<+0330>-3:30", ["+0330", "+0330"]),
        ("UTC", ["+0000", "+0000"]),
        ("", ["+0000", "+0000"]),
        ("no such zone", ["+0000", "+0000"]),
        ("/nowhere", ["+0000", "+0000"]),
    ],
)
def test_the_variable_goes_first(
    localtime: Path, variable: str, winter_and_summer: list[str]
) -> None:
    assert offsets(machine_zone({"TZ": variable}, str(localtime))) == winter_and_summer


def test_the_variable_may_be_a_path(localtime: Path) -> None:
    assert offsets(machine_zone({"TZ": str(localtime)}, "/nowhere")) == ["+0100", "+0200"]


def test_a_machine_that_says_nothing_has_utc(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"no zone")
    assert machine_zone({}, str(tmp_path / "broken")) is UTC
    assert machine_zone({}, "/nowhere") is UTC
