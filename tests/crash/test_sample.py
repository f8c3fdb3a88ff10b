"""A sample of `make crash`: both programs are killed in the middle of the first act."""

from pathlib import Path

from tests.crash.battlefield import Findings
from tests.crash.campaign import Case, Table
from tests.crash.faults import battlefield
from tests.crash.script import ACTS


def test_both_programs_are_killed_at_a_call_that_writes_and_nothing_is_lost(tmp_path: Path) -> None:
    with battlefield(tmp_path) as field:
        field.seams = {"server": ("kill", 70), "daemon": ("kill", 90)}
        findings = field.tell(acts=ACTS[:1])
    assert findings.fired
    assert findings.sound, findings


def test_the_table_counts_what_happened_and_names_what_never_did() -> None:
    table = Table()
    kill = Case("kill", "7", lambda _: Findings())
    table.note(kill, Findings(fired=True))
    table.note(kill, Findings(fired=True, lost=12, litter=["a"]))
    table.note(Case("cut", "1", lambda _: Findings()), "waited in vain")
    [head, killed, was_cut, never, end] = str(table).splitlines()
    assert head.split() == ["fault", "cases", "fired", "lost", "litter", "failed"]
    assert killed.split() == ["kill", "2", "2", "12", "1", "1"]
    assert was_cut.split() == ["cut", "1", "0", "0", "0", "1"]
    assert never == "never happened: cut"
    assert end == "crash: 3 cases, 2 failures, 12 bytes lost"
    assert len(table.failures) == 2
