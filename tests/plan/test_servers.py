"""The planners, where the far side keeps less than a server of ours: rounded times, no modes."""

from dataclasses import replace
from typing import Final

import pytest

from cargo_sync.model.abilities import CARGO, SECOND, Abilities
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import Agreed, AgreedColumns, agree
from cargo_sync.model.entries import BY_UMASK, FILE, Entry, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.plan import one_way
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.metadata import as_known, is_as_there
from cargo_sync.plan.reconciliation import Metadata, Row, merged_metadata
from cargo_sync.plan.two_way import decide, two_way_view
from tests.plan.test_two_way import words

S: Final = SECOND
LEAST: Final = replace(CARGO, time_step=None, modes=False, idents=False)
SECONDS: Final = replace(CARGO, time_step=S, modes=False, idents=False)
NEAR: Final = Entry("a", FILE, 5, 7 * S + 3, 0o644, 1, 1)
FAR: Final = Entry("a", FILE, 5, 7 * S, BY_UMASK, 2**60)
BASE: Final = agree(NEAR, FAR, "h")


@pytest.mark.parametrize(
    ("server", "time", "steps"),
    [
        (SECONDS, 7 * S, "adopt"),
        (SECONDS, 8 * S + 2, "adopt"),
        (SECONDS, 8 * S + 3, "put"),
        (SECONDS, 6 * S, "put"),
        (LEAST, 10**18, "adopt"),
        (CARGO, 7 * S, "put"),
    ],
)
@pytest.mark.parametrize("direction", [Mode.UPLOAD, Mode.DOWNLOAD])
def test_at_first_contact_what_may_be_the_same_is_compared(
    direction: Mode, server: Abilities, time: int, steps: str
) -> None:
    view = one_way.view_of(direction, Filters().excluded, server=server)
    near, far = EntryColumns.of([NEAR]), EntryColumns.of([FAR._replace(mtime_ns=time)])
    source, there = (near, far) if direction is Mode.UPLOAD else (far, near)
    plan = one_way.plan_folder("", source, there, AgreedColumns.nothing(), view)
    assert [action.op for action in plan.now] == [steps]


def test_what_was_agreed_on_stays_so_although_the_two_sides_differ() -> None:
    for server in (SECONDS, LEAST):
        view = two_way_view(Filters().excluded, propagate=True, server=server)
        assert view.up.is_source(BASE, NEAR)
        assert view.down.is_source(BASE, FAR)
        assert view.down.is_destination(BASE, NEAR)


def _decided(near: Entry, far: Entry, server: Abilities, base: Agreed | None = BASE) -> list[str]:
    view = two_way_view(Filters().excluded, propagate=True, server=server)
    return words(decide(Row("a", near, far, base), "new", "new", view))


def test_two_sides_with_the_same_new_content() -> None:
    far = FAR._replace(version=5, mtime_ns=9 * S)
    near = NEAR._replace(version=5, mtime_ns=9 * S + 5)
    assert _decided(near, far, SECONDS) == ["up adopt"]
    assert _decided(near._replace(mtime_ns=10 * S), far, SECONDS) == ["down meta"]
    assert _decided(near._replace(mtime_ns=10 * S), far, SECONDS, None) == ["down meta"]
    assert _decided(near._replace(mtime_ns=10 * S), far, LEAST) == ["up adopt"]
    assert _decided(near._replace(mode=0o600), far, SECONDS) == ["up adopt"]


T: Final = 7 * S + 3
"""The time that was agreed on."""


@pytest.mark.parametrize(
    ("server", "near", "far", "first", "merged"),
    [
        # (time, mode) of each side; None: as agreed
        (SECONDS, (None, None), (7 * S, BY_UMASK), "far", (T, 0o644)),
        (SECONDS, (9 * S, None), (7 * S, BY_UMASK), "far", (9 * S, 0o644)),
        (SECONDS, (None, 0o600), (9 * S, BY_UMASK), "near", (9 * S, 0o600)),
        (SECONDS, (8 * S, None), (9 * S, BY_UMASK), "far", (9 * S, 0o644)),
        (SECONDS, (8 * S, None), (9 * S, BY_UMASK), "near", (8 * S, 0o644)),
        # A step of a second: what was changed here by less than that is a change all the same.
        (SECONDS, (T + 1, None), (7 * S, BY_UMASK), "far", (T + 1, 0o644)),
        (LEAST, (None, None), (99 * S, BY_UMASK), "far", (T, 0o644)),
        (LEAST, (8 * S, 0o600), (99 * S, BY_UMASK), "far", (8 * S, 0o600)),
        (CARGO, (None, 0o600), (9 * S, 0o644), "far", (9 * S, 0o600)),
        (CARGO, (8 * S, 0o600), (9 * S, 0o640), "far", (9 * S, 0o640)),
        (CARGO, (8 * S, 0o600), (9 * S, 0o640), "near", (8 * S, 0o600)),
    ],
)
def test_what_a_server_does_not_keep_it_has_not_changed(
    server: Abilities,
    near: tuple[int | None, int | None],
    far: tuple[int, int],
    first: str,
    merged: tuple[int, int],
) -> None:
    time, mode = near
    here = NEAR._replace(mtime_ns=time or T, mode=mode or 0o644)
    there = FAR._replace(mtime_ns=far[0], mode=far[1])
    of = here if first == "near" else there
    assert merged_metadata(BASE, here, there, server, first=of) == Metadata(*merged)


@pytest.mark.parametrize(
    ("source", "there", "as_there", "time", "mode"),
    [
        (NEAR, FAR, True, 7 * S, 0o644),
        (NEAR._replace(mtime_ns=9 * S), FAR, False, 9 * S, 0o644),
        (FAR, NEAR, True, T, 0o644),
        (FAR._replace(mtime_ns=9 * S), NEAR, False, 9 * S, 0o644),
        (FAR._replace(mode=0o600), NEAR, False, T, 0o600),  # the exact time stays
    ],
)
def test_a_step_sets_only_what_its_source_knows(
    source: Entry, there: Entry, as_there: bool, time: int, mode: int
) -> None:
    action = Action(Op.META, "a", source, there, hash="h")
    assert is_as_there(action, SECONDS) is as_there
    assert not is_as_there(action._replace(hash=""), SECONDS), "a folder's mode is set anyway"
    wanted = as_known(action, SECONDS).source
    assert wanted is not None
    assert (wanted.mtime_ns, wanted.mode) == (time, mode)
