"""How a policy resolves a conflict."""

from dataclasses import replace

import pytest

from cargo_sync.model.abilities import CARGO, SECOND, Abilities
from cargo_sync.model.conflicts import Choice, ConflictPolicy, Evidence
from cargo_sync.model.entries import EARLIEST, FILE, FOLDER, LATEST, LINK, Entry
from cargo_sync.plan.conflict_policy import allowed, choose

NOW = 1_800_000_000
S = SECOND


def entry(seconds: float = NOW, kind: str = FILE) -> Entry:
    return Entry("a", kind, 5, int(seconds * S), 0o644, 7, 8)


OLD, NEW = entry(NOW - 100), entry(NOW - 10)


def chosen(
    policy: str,
    near: Entry = OLD,
    far: Entry = NEW,
    server: Abilities = CARGO,
    *,
    clock_jumped: bool = False,
) -> str | None:
    return choose(ConflictPolicy(policy), near, far, server, wall=NOW, clock_jumped=clock_jumped)


@pytest.mark.parametrize(
    ("policy", "choice"),
    [
        ("keep_both", "keep_both"),
        ("local", "local"),
        ("remote", "remote"),
        ("newest", "remote"),
        ("ask", None),
    ],
)
def test_each_policy(policy: str, choice: str | None) -> None:
    assert chosen(policy) == choice
    assert chosen(policy, clock_jumped=True) == ("keep_both" if policy == "newest" else choice)


@pytest.mark.parametrize(
    ("near", "far", "choice"),
    [
        (NEW, OLD, "local"),
        (OLD, NEW, "remote"),
        (NEW, NEW, "keep_both"),
        (entry(NOW), entry(NOW - 1.9), "keep_both"),  # what FAT would call equal
        (entry(NOW), entry(NOW - 2), "local"),
        (entry(NOW + 86_400), OLD, "local"),
        (entry(NOW + 86_401), OLD, "keep_both"),
        (OLD, entry(NOW + 10 * 86_400), "keep_both"),
        (entry(0)._replace(mtime_ns=LATEST), OLD, "keep_both"),
        (OLD, entry(0)._replace(mtime_ns=EARLIEST), "keep_both"),
        (entry(-5), OLD, "remote"),  # before 1970
        (entry(NOW, LINK), OLD, "keep_both"),
        (OLD, entry(NOW, LINK), "keep_both"),
    ],
)
def test_newest_only_where_times_can_be_believed(near: Entry, far: Entry, choice: str) -> None:
    assert chosen("newest", near, far) == choice


@pytest.mark.parametrize("policy", ["keep_both", "local", "remote", "newest"])
def test_no_policy_throws_a_folder_away(policy: str) -> None:
    folder = Entry("a", FOLDER, ident=3)
    assert chosen(policy, folder, NEW) == chosen(policy, NEW, folder) == "keep_both"
    assert allowed(folder, NEW) == allowed(NEW, folder) == (Choice.KEEP_BOTH,)
    assert set(allowed(OLD, NEW)) == set(Choice)


def test_evidence_holds_while_both_sides_are_what_was_seen() -> None:
    evidence = Evidence(None, OLD, NEW)
    assert evidence.same_sides(OLD, NEW)
    assert evidence.same_sides(OLD._replace(hash="ab"), NEW)
    assert not evidence.same_sides(OLD._replace(version=99), NEW)
    assert not evidence.same_sides(OLD, NEW._replace(version=99))


@pytest.mark.parametrize(
    ("step", "later", "choice"),
    [
        (None, 500, "keep_both"),
        (S, 1.9, "keep_both"),
        (S, 2, "local"),
        (60 * S, 59, "keep_both"),
        (60 * S, 60, "local"),
    ],
)
def test_newest_only_as_well_as_the_server_keeps_times(
    step: int | None, later: float, choice: str
) -> None:
    server = replace(CARGO, time_step=step)
    assert chosen("newest", entry(NOW), entry(NOW - later), server) == choice
