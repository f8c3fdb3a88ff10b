"""Who may ask a node for snapshots."""

import itertools
from collections.abc import Callable

import pytest

from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.model.problems import Code, LaterError, ProblemError
from cargo_sync.stores.snapshots.door import (
    CHALLENGE_SECONDS,
    CHALLENGES,
    PASS_SECONDS,
    PER_ADDRESS,
    Proof,
    SnapshotDoor,
    signed_words,
)

KEY, OTHER = RecoveryKey(b"k" * 16), RecoveryKey(b"o" * 16)
FINGERPRINT = "ab" * 32


class House:
    def __init__(self) -> None:
        self.now = 100.0
        numbers = itertools.count()
        self.door = SnapshotDoor(
            lambda: FINGERPRINT, lambda: f"{next(numbers):032x}", lambda: self.now
        )

    def enter(
        self, challenge: str, key: RecoveryKey = KEY, seen: str = FINGERPRINT, name: bytes = b""
    ) -> str:
        signature = key.sign(signed_words(seen, challenge))
        proof = Proof(challenge, name or key.verifier, signature)
        return self.door.enter(proof, [KEY.verifier])


def code(error: pytest.ExceptionInfo[ProblemError]) -> str:
    return error.value.problem.code


def test_who_has_the_key_gets_a_pass_for_a_while() -> None:
    house = House()
    given = house.enter(house.door.challenge("peer"))
    assert house.door.verifier(given) == KEY.verifier
    house.now += PASS_SECONDS
    for wrong in (given, "", "0" * 32):
        with pytest.raises(ProblemError) as refused:
            house.door.verifier(wrong)
        assert code(refused) == Code.UNAUTHORIZED


def test_who_has_it_not_gets_none() -> None:
    house = House()
    asked = house.door.challenge

    def late() -> str:
        made = asked("peer")
        house.now += CHALLENGE_SECONDS
        return house.enter(made)

    def twice() -> str:
        made = asked("peer")
        house.enter(made)
        return house.enter(made)

    cases: tuple[Callable[[], str], ...] = (
        lambda: house.enter(asked("peer"), OTHER),
        lambda: house.enter(asked("peer"), OTHER, name=KEY.verifier),
        lambda: house.enter(asked("peer"), seen="cd" * 32),  # signed for another node
        lambda: house.enter("0" * 32),
        late,
        twice,
    )
    for wrong in cases:
        with pytest.raises(ProblemError) as refused:
            wrong()
        assert code(refused) == Code.UNAUTHORIZED


def test_strangers_cost_little_and_shut_nobody_out() -> None:
    house = House()
    for _ in range(PER_ADDRESS):
        house.door.challenge("stranger")
    with pytest.raises(LaterError) as refused:
        house.door.challenge("stranger")
    assert (code(refused), refused.value.seconds) == (Code.THROTTLED, CHALLENGE_SECONDS)
    mine = house.door.challenge("me")
    for number in range(CHALLENGES - PER_ADDRESS - 1):
        house.door.challenge(f"stranger {number}")
    assert house.enter(mine)
    house.now += CHALLENGE_SECONDS
    assert house.door.challenge("stranger")
