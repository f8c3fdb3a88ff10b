from dataclasses import replace

import pytest

from cargo_sync.copying.decision import CopyStep, decide, leads_out
from cargo_sync.model.abilities import CARGO, SECOND
from cargo_sync.model.entries import FILE, FOLDER, LATEST, LINK, Entry
from cargo_sync.model.problems import Code, Problem

SOURCE = Entry("f", FILE, 5, 100)
LATE = SOURCE._replace(mtime_ns=LATEST)
LINKED = Entry("l", LINK, target="f")


@pytest.mark.parametrize(
    ("source", "there", "overwrite", "step", "code"),
    [
        (SOURCE, None, False, CopyStep.COPY, ""),
        (SOURCE, SOURCE._replace(version=9, ident=9), False, CopyStep.EQUAL, ""),
        (SOURCE, SOURCE._replace(version=9, ident=9), True, CopyStep.EQUAL, ""),
        (SOURCE, Entry("f", FILE, 5, 99), False, CopyStep.COMPARE, "occupied"),
        (SOURCE, Entry("f", FILE, 5, 99), True, CopyStep.COMPARE, ""),
        (SOURCE, Entry("f", FILE, 6, 100), False, CopyStep.REFUSE, "occupied"),
        (SOURCE, Entry("f", FILE, 6, 100), True, CopyStep.COPY, ""),
        (LATE, LATE._replace(version=9), False, CopyStep.COMPARE, "occupied"),
        (LATE, LATE._replace(version=9), True, CopyStep.COMPARE, ""),
        (SOURCE, LINKED, False, CopyStep.REFUSE, "occupied"),
        (SOURCE, LINKED, True, CopyStep.COPY, ""),
        (SOURCE, Entry("f", FOLDER), True, CopyStep.REFUSE, "is_a_folder"),
        (SOURCE, Problem(Code.SPECIAL, "a device"), True, CopyStep.REFUSE, "special"),
        (LINKED, None, False, CopyStep.COPY, ""),
        (LINKED, LINKED, False, CopyStep.EQUAL, ""),
        (LINKED, Entry("l", LINK, target="g"), False, CopyStep.REFUSE, "occupied"),
        (Entry("l", LINK, target="/etc"), None, True, CopyStep.REFUSE, "symlink"),
    ],
)
def test_what_is_done(
    source: Entry, there: Entry | Problem | None, overwrite: bool, step: CopyStep, code: str
) -> None:
    decided = decide("d/x", source, there, CARGO, overwrite=overwrite)
    assert decided.step is step
    assert (decided.problem.code if decided.problem else "") == code
    if decided.problem and decided.problem is not there:
        assert not decided.problem.retry, "a person must decide first"


S = SECOND


@pytest.mark.parametrize(
    ("step", "links", "source", "time", "decided"),
    [
        (None, True, SOURCE, 100, CopyStep.COMPARE),  # nobody knows when it was written
        (S, True, SOURCE, S + 99, CopyStep.EQUAL),
        (S, True, SOURCE, S + 100, CopyStep.COMPARE),
        (2 * S, True, SOURCE, 0, CopyStep.EQUAL),
        (60 * S, True, SOURCE, 0, CopyStep.COMPARE),
        (S, True, LINKED, None, CopyStep.COPY),
        (S, False, LINKED, None, CopyStep.REFUSE),
    ],
)
def test_what_a_server_does_not_keep_is_no_proof(
    step: int | None, links: bool, source: Entry, time: int | None, decided: CopyStep
) -> None:
    server = replace(CARGO, time_step=step, links=links)
    there = None if time is None else SOURCE._replace(mtime_ns=time)
    assert decide("d/x", source, there, server, overwrite=False).step is decided


@pytest.mark.parametrize(
    ("path", "target", "out"),
    [
        ("l", "f", False),
        ("l", "./d//f", False),
        ("d/l", "../f", False),
        ("d/e/l", "../../f", False),
        ("d/l", "./../f", False),
        ("d/e/l", "..//../f", False),
        ("l", "../f", True),
        ("d/l", "../../f", True),
        ("d/l", "/f", True),
        ("d/l", "", True),
        ("d/l", "x/../f", True),  # x may be a link to the root itself
        ("d/l", "../x/../../f", True),
        ("l", "..", True),
        ("d/l", "..", False),
        ("l", "...", False),
    ],
)
def test_links_that_lead_out(path: str, target: str, out: bool) -> None:
    assert leads_out(path, target) is out
