"""Small contents are asked for by one name, which says what is in a packet."""

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.stores.contract import Content
from cargo_sync.stores.packets import (
    PACKET_BYTES,
    PACKET_CONTENTS,
    SMALL,
    as_content,
    contents_of,
    is_packet,
    packed,
)

HASH = "ab" * 32
SOME = [Content(f"{number:064x}", 1 + number % SMALL) for number in range(2_000)]


@pytest.mark.parametrize("contents", [SOME[:1], SOME, [Content(HASH, SMALL)] * 5])
def test_a_packet_is_known_by_its_name(contents: list[Content]) -> None:
    packets = list(packed(contents))
    assert [one for packet in packets for one in packet] == contents
    for packet in packets:
        name, size = as_content(packet)
        assert is_packet(name) and contents_of(name, size) == list(packet)
        assert size < PACKET_BYTES + SMALL and len(packet) <= PACKET_CONTENTS
    assert all(as_content(packet).size >= PACKET_BYTES for packet in packets[1:-1])


@pytest.mark.parametrize(
    ("name", "size"),
    [
        (HASH, 1),
        (f"{HASH}:", 0),
        (f"{HASH}:1", 2),
        (f"{HASH}:0", 0),
        (f"{HASH}:-1", -1),
        (f"{HASH}:{SMALL + 1}", SMALL + 1),
        (f"{HASH}:1,1", 2),
        (f"{HASH}{HASH}:2", 2),
        (f"{HASH[1:]}:1", 1),
        (f"../{HASH[3:]}:1", 1),
        (f"{HASH}:1:1", 2),
        (f"{HASH * 5}:{','.join([str(SMALL)] * 5)}", 5 * SMALL),
        (f"{HASH}:\u0661", 1),
        (f"{HASH}:{'1' * 5_000}", 1),
        (f"{HASH * 501}:{','.join('1' * 501)}", 501),
        ("", 0),
    ],
)
def test_another_name_is_refused(name: str, size: int) -> None:
    with pytest.raises(ProblemError) as caught:
        contents_of(name, size)
    assert caught.value.problem.code is Code.BAD_REQUEST
