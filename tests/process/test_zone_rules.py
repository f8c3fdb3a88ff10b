"""Which copy of the rules of time zones counts, and that it has the changes of 2026."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from cargo_sync.process.zone_rules import PACKAGE, SYSTEM, ZoneRules, newer, version_of

OF_PACKAGE = resources.files("tzdata") / "zoneinfo"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What counts, counts for the whole process."""
    before = zoneinfo.TZPATH
    yield
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


class Machine:
    """A system's own copy, in which Vancouver has the rules of Madrid."""

    def __init__(self, folder: Path, first_line: str) -> None:
        self.zones = folder / "usr" / "zoneinfo"
        (self.zones / "America").mkdir(parents=True)
        self.has("America/Vancouver", "Europe/Madrid")
        self.is_updated(first_line)
        self.localtime = folder / "localtime"
        self.localtime.symlink_to(self.zones / "America" / "Vancouver")
        self.rules = ZoneRules({}, [str(folder / "none"), str(self.zones)], str(self.localtime))

    def has(self, name: str, rules: str) -> None:
        (self.zones / name).write_bytes((OF_PACKAGE / rules).read_bytes())

    def is_updated(self, first_line: str) -> None:
        (self.zones / "tzdata.zi").write_text(f"{first_line}\nR A 1916 o - Jun 14 23s 1 S\n")

    def hours(self, name: str) -> float:
        """Hours ahead of UTC in January 2027."""
        ahead = self.rules.zone(name).utcoffset(datetime(2027, 1, 1))
        assert ahead is not None
        return ahead / timedelta(hours=1)


@pytest.mark.parametrize(
    ("first_line", "systems"),
    [
        ("# version 2025b", False),
        ("# version 2026a", False),
        ("# version 2999a", True),
        ("# redo posix_only", False),
        ("", False),
    ],
)
def test_the_newer_copy_counts(tmp_path: Path, first_line: str, systems: bool) -> None:
    machine = Machine(tmp_path, first_line)
    package = version_of(OF_PACKAGE / "tzdata.zi")
    expected = ("2999a", str(machine.zones)) if systems else (package, PACKAGE)
    assert (machine.rules.version, machine.rules.source) == expected
    assert machine.hours("America/Vancouver") == (1 if systems else -7)
    assert machine.hours("") == (1 if systems else -7), "the machine's zone is read by its name"


def test_a_reload_takes_what_is_installed_then(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "# version 2999a")
    before = machine.rules.zone("America/Vancouver")
    assert machine.rules.zone("America/Vancouver") is before
    machine.has("America/Vancouver", "Asia/Tokyo")
    machine.is_updated("# version 2999b")
    assert machine.hours("America/Vancouver") == 1
    machine.rules.read()
    assert (machine.rules.version, str(machine.rules).split(",")[0]) == ("2999b", "2999b")
    assert (machine.hours("America/Vancouver"), machine.hours("")) == (9, 9)
    machine.has("America/Ours", "Asia/Tokyo")
    assert machine.hours("America/Ours") == 9
    (machine.zones / "America" / "Ours").unlink()
    machine.rules.read()
    assert machine.hours("America/Ours") == 9, "a zone that is gone keeps its hours"


@pytest.mark.parametrize(
    ("system", "package", "counts"),
    [
        ("2025b", "2026f", False),
        ("2026f", "2026f", True),
        ("2026g", "2026f", True),
        ("2026za", "2026z", True),
        ("2027a", "2026za", True),
        ("", "2026f", False),
        ("2025b", "", True),
        ("", "", False),
    ],
)
def test_versions_are_compared_by_year_and_letters(system: str, package: str, counts: bool) -> None:
    assert newer(system, package) is counts


@pytest.mark.parametrize(
    ("name", "at", "hours"),
    [
        ("Africa/Casablanca", "2026-09-21", 0),
        ("Africa/Casablanca", "2027-07-01", 0),
        ("America/Vancouver", "2026-12-01", -7),
        ("America/Vancouver", "2027-07-01", -7),
        ("America/Edmonton", "2026-12-01", -6),
        ("America/Winnipeg", "2026-12-01", -5),
        ("America/Havana", "2026-12-01", -4),
    ],
)
def test_zones_that_changed_in_2026(name: str, at: str, hours: int) -> None:
    """They fail with rules that are older than 2026f."""
    zone = ZoneRules({}, SYSTEM).zone(name)
    then = datetime.fromisoformat(f"{at}T12:00").replace(tzinfo=UTC)
    assert then.astimezone(zone).utcoffset() == timedelta(hours=hours)
