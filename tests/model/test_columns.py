"""Listings, agreements and offers are encoded as columns, and decoded to the same values."""

from hypothesis import example, given
from hypothesis import strategies as st

from cargo_sync.model import agreed, entries
from cargo_sync.model.agreed import (
    Agreed,
    AgreedColumns,
    agree,
    far_as_agreed,
    far_surely_as_agreed,
    names_surely_in,
    near_as_agreed,
    near_surely_as_agreed,
)
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry, EntryColumns
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


marks = st.text('[]",\\\\a', max_size=4)
few = st.integers(0, 1)
odd = st.builds(Entry, marks, st.just(FILE), few, few, few, few, few, marks, st.just("") | marks)


@given(st.lists(st.tuples(odd, odd, marks), max_size=3))
@example([(Entry("a", FILE, version=1), Entry("a", FILE, version=0, hash='"],["'), "")])
def test_what_is_sure_by_its_bytes_is_so(rows: list[tuple[Entry, Entry, str]]) -> None:
    """Whatever a name, a hash or the target of a link looks like."""
    listing = EntryColumns.of([one for one, _, _ in rows])
    base = AgreedColumns.of(
        tuple(agree(other._replace(name=one.name), other, text) for one, other, text in rows)
    )
    blobs = base.encode(), listing.encode()
    assert near_as_agreed(base, listing) or not near_surely_as_agreed(*blobs)
    assert far_as_agreed(base, listing) or not far_surely_as_agreed(*blobs)
    assert names_surely_in(blobs[1]) in (None, listing.names)


@given(st.lists(found, min_size=1), st.booleans())
def test_ordinary_files_are_compared_by_their_bytes(some: list[Entry], changed: bool) -> None:
    some = [entry._replace(hash="", target="") for entry in some]
    far = [entry._replace(version=7, ident=number) for number, entry in enumerate(some)]
    pairs = zip(some, far, strict=True)
    base = agreed.encode(tuple(agree(near, there, "ab" * 32) for near, there in pairs))
    if changed:
        some = [*some[:-1], some[-1]._replace(version=some[-1].version + 1)]
        far = [*far[:-1], far[-1]._replace(ident=-1)]
    assert near_surely_as_agreed(base, entries.encode(tuple(some))) is not changed
    assert names_surely_in(entries.encode(tuple(some))) == [entry.name for entry in some]
    assert far_surely_as_agreed(base, entries.encode(tuple(far))) is not changed


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
