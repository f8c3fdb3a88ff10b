"""The fence: which states a server lets in."""

import pytest

from cargo_sync.machines.client_fence import ClientProcess, JobClient, fence
from cargo_sync.model.problems import Code

HERE, THERE = "here", "there"


def client(starts: int, records: int, nonce: str, place: str = HERE) -> JobClient:
    return JobClient("id", starts, records, ClientProcess(nonce, place))


KNOWN = client(5, 100, "a")


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (client(5, 100, "a"), None),
        (client(5, 120, "a"), None),
        (client(5, 90, "a"), None),  # one request has overtaken another
        (client(6, 100, "b"), None),  # a restart, also after a kill before it came here
        (client(9, 130, "b"), None),
        (client(6, 100, "b", THERE), None),  # the state was moved to another machine
        (client(5, 100, "b"), Code.STATE_RESTORED),  # restored from the time of this start
        (client(3, 40, "b"), Code.STATE_RESTORED),
        (client(6, 99, "b"), Code.STATE_RESTORED),  # restored from the middle of this start
        (client(5, 100, "b", THERE), Code.STATE_COPIED),
        (client(6, 99, "b", THERE), Code.STATE_COPIED),
        (client(4, 100, "b", THERE), Code.STATE_COPIED),
    ],
)
def test_which_states_are_let_in(now: JobClient, code: Code | None) -> None:
    found = fence(KNOWN, now)
    assert (found and found.code) == code
    if found:
        assert (found.starts, found.records) == (5, 100)


def test_of_two_processes_with_one_state_one_is_found_however_they_take_turns() -> None:
    """The second came with a higher start; the first one writes more, and comes back."""
    first, second = client(5, 100, "a"), client(6, 100, "b", THERE)
    assert fence(first, second) is None
    assert fence(second, first._replace(records=150)) is not None
