"""Records: `split` returns what `put` wrote; other bytes are refused."""

from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.model.problems import ProblemError
from cargo_sync.wire.records import BYE, OFFER, Record, put, split

RECORDS = st.builds(
    Record,
    kind=st.integers(OFFER, BYE),
    flags=st.integers(0, 7),
    index=st.integers(0, 0xFFFF),
    batch=st.integers(0, 0xFFFFFFFF),
    offset=st.integers(0, 2**64 - 1),
    payload=st.binary(max_size=100).map(memoryview),
)


@given(st.lists(RECORDS, min_size=1, max_size=20))
def test_what_is_put_is_split_again(written: list[Record]) -> None:
    body = memoryview(bytearray(4096))
    end = 0
    for record in written:
        end = put(body, end, record)
    assert [Record(*fields) for fields in split(body[:end])] == written


@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_refused(noise: bytes) -> None:
    try:
        found = list(split(memoryview(noise)))
    except ProblemError as error:
        assert error.problem.code == "protocol"
    else:
        assert sum(20 + len(fields[5]) for fields in found) == len(noise)


def test_the_layout_of_a_record() -> None:
    body = memoryview(bytearray(24))
    put(body, 0, Record(4, 3, 5, 6, 7, memoryview(b"data")))
    assert bytes(body).hex(" ", 4) == "04030005 00000006 00000004 00000000 00000007 64617461"
