"""The state of a job: the order of the checks, and the facts that each state needs."""

from typing import Any

import pytest

from cargo_sync.machines.job_state import Facts, JobState, general_state, job_state

EVERYTHING = Facts(enabled=False, paused=True, held="why", in_window=False, running=True, errors=3)

STEPS: list[tuple[dict[str, Any], str]] = [
    ({}, "disabled"),
    ({"enabled": True}, "paused"),
    ({"paused": False}, "held"),
    ({"held": ""}, "waiting"),
    ({"in_window": True}, "syncing"),
    ({"running": False}, "error"),
    ({"errors": 0}, "starting"),
    ({"looked": True}, "synced"),
]


def test_what_stands_higher_hides_what_is_below() -> None:
    facts, said = EVERYTHING, []
    for change, _ in STEPS:
        facts = facts._replace(**change)
        said.append(job_state(facts))
    assert said == [state for _, state in STEPS]


def test_a_failed_item_is_never_synced() -> None:
    assert job_state(Facts(looked=True, errors=1)) is JobState.ERROR
    assert job_state(Facts(looked=True)) is JobState.SYNCED


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ("", "synced"),
        ("disabled", "disabled"),
        ("paused waiting synced", "waiting"),
        ("synced disabled", "synced"),
        ("synced paused", "paused"),
        ("paused starting synced", "starting"),
        ("syncing starting", "syncing"),
        ("held syncing", "held"),
        ("synced error held", "error"),
    ],
)
def test_the_general_state_is_what_most_needs_an_eye(states: str, said: str) -> None:
    assert general_state([JobState(each) for each in states.split()]) == said
