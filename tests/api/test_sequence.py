from cargo_sync.api.messages import FeedMessage
from cargo_sync.api.sequence import Sequence


def told(script: str) -> list[str]:
    """Results for messages such as `a3` (topic a, seq 3), `a3-` (it is old), `a3@2` (epoch 2)."""
    sequence, lines = Sequence(), []
    for now, word in enumerate(script.split()):
        body, _, epoch = word.partition("@")
        seq, time = int(body[1:].removesuffix("-")), -1.0 if body.endswith("-") else float(now)
        taken = sequence.take(FeedMessage(body[0], "status", epoch or "1", seq, time))
        lines.append(
            "dropped" if taken is None else f"missed {taken.missed}" if taken.missed else "new"
        )
    return lines


def test_in_order() -> None:
    assert told("a1 a2 b1 a3") == ["new", "new", "new", "new"]


def test_the_first_of_a_topic_misses_nothing() -> None:
    assert told("a7 b9-") == ["new", "new"]


def test_a_jump_tells_what_was_lost() -> None:
    assert told("a1 a4 a5") == ["new", "missed 2", "new"]


def test_what_was_seen_or_is_older_is_dropped() -> None:
    assert told("a1 a2 a2- a1- a3") == ["new", "new", "dropped", "dropped", "new"]


def test_a_replay_of_what_was_lost_is_taken() -> None:
    assert told("a1 a3- a4") == ["new", "missed 1", "new"]


def test_a_new_epoch_begins_again() -> None:
    assert told("a5 a1@2 a2@2") == ["new", "new", "new"]


def test_a_topic_that_was_dropped_and_came_back() -> None:
    assert told("a5 a1 a2 a4") == ["new", "new", "new", "missed 1"]


def event(seq: int, *, replay: bool = False) -> FeedMessage:
    return FeedMessage("a", "notice", "1", seq, float(seq), cursor=seq, replay=replay)


def test_events_that_a_replay_overtook_come_late_and_once() -> None:
    sequence = Sequence()
    taken = [
        sequence.take(one)
        for one in (event(3, replay=True), *(event(seq) for seq in (1, 2, 2, 1, 3, 4)), event(6))
    ]
    seqs = [(one.seq, one.missed) if one else None for one in taken]
    assert seqs == [(3, 0), (1, 0), (2, 0), None, None, None, (4, 0), (6, 1)]


def test_states_that_a_replay_overtook_are_dropped() -> None:
    assert told("a3 a2- a1-") == ["new", "dropped", "dropped"]
