"""What was seen is never unseen, and what stays by mistake differs from turn to turn."""

from blake3 import blake3

from cargo_sync.machines.seen_hashes import SeenHashes

COUNT = 2_000


def hashes(first: int) -> list[str]:
    return [blake3(b"%d" % number).hexdigest() for number in range(first, first + COUNT)]


def test_what_was_seen_is_found_and_nearly_nothing_else() -> None:
    some, others = hashes(0), hashes(COUNT)
    mistaken: list[set[str]] = []
    for turn in range(3):
        seen = SeenHashes(COUNT, turn)
        for hash in some:
            seen.add(hash)
        assert all(hash in seen for hash in some)
        mistaken.append({hash for hash in others if hash in seen})
    assert all(len(one) < COUNT // 40 for one in mistaken)
    assert not set.intersection(*mistaken)


def test_more_than_were_expected_are_still_found() -> None:
    seen = SeenHashes(0, 5)
    for hash in hashes(0):
        seen.add(hash)
    assert all(hash in seen for hash in hashes(0))
