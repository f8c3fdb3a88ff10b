"""Listings, agreements and offers are encoded as columns, and decoded to the same values."""

from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.model import agreed, entries
from cargo_sync.model.agreed import Agreed, agree
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.transfers import Offer, columns, rows

numbers = st.integers(0, 2**63 - 1)
found = st.builds(
    Entry,
    st.text(st.characters(codec="utf-8")),
    st.sampled_from([FILE, FOLDER, LINK]),
    numbers,
    st.integers(-(2**62), 2**62),
    st.integers(0, 0o7777),
    numbers,
    st.integers(0, 2**64 - 1),
)


@given(st.lists(found))
def test_listings(some: list[Entry]) -> None:
    listing = entries.listing(some)
    assert entries.decode(entries.encode(listing)) == listing


@given(st.lists(found))
def test_agreements(some: list[Entry]) -> None:
    base = tuple(agree(entry, entry._replace(version=7), "ab") for entry in some)
    assert agreed.decode(agreed.encode(base)) == base
    assert all(row.near_is(entry) for row, entry in zip(base, some, strict=True))


def test_nothing_is_nothing() -> None:
    assert entries.decode(None) == entries.decode(entries.encode(())) == ()
    assert agreed.decode(None) == agreed.decode(agreed.encode(())) == ()


def test_offers() -> None:
    offers = [Offer("a", 1, 2, 3, 4, 5, "t"), Offer("b", 0, 0, 0, 0, 0, "", 9, 9, "h", "target")]
    assert rows(Offer, columns(offers)) == offers


def test_a_touched_file_is_no_longer_what_was_agreed() -> None:
    entry = Entry("a", FILE, 1, 2, 0o644, 3, 4)
    row = agree(entry, entry)
    assert isinstance(row, Agreed)
    for change in (
        {"size": 2},
        {"mtime_ns": 9},
        {"mode": 0o600},
        {"version": 9},
        {"ident": 9},
        {"kind": LINK},
    ):
        assert not row.near_is(entry._replace(**change))
