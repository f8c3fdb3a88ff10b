"""Both forms of a list tell a right piece from any other; no two lists have the same tags."""

import os
from pathlib import Path

import pytest

from cargo_sync.local.content_hash import ListedHash
from cargo_sync.local.piece_lists import (
    DIGESTS,
    KEY,
    PIECE,
    KnownList,
    ListFile,
    ListForm,
    PieceList,
    Tags,
    is_complete,
    is_listed,
)

FORMS: dict[str, ListForm] = {"digests": DIGESTS, "tags": Tags(b"k" * KEY)}
PIECES = [b"a" * PIECE, b"a" * PIECE, bytes(PIECE), b"b" * PIECE, b"rest"]
"""The third one comes as a hole."""


def listed(form: ListForm) -> bytes:
    found = ListedHash(form)
    for number, piece in enumerate(PIECES):
        if number == 2:
            found.zeros(PIECE)
        else:
            found.update(piece[:9])
            found.update(piece[9:])
    return found.pieces


def opened(made: bytes, place: Path, *, is_file: bool) -> PieceList:
    if not is_file:
        return KnownList(made)
    place.write_bytes(made)
    return ListFile(lambda: os.open(place, os.O_RDONLY))


@pytest.mark.parametrize("is_file", [False, True], ids=["memory", "file"])
@pytest.mark.parametrize("form", FORMS)
def test_a_piece_is_right_only_at_its_place(form: str, is_file: bool, tmp_path: Path) -> None:
    made = listed(FORMS[form])
    assert is_complete(len(made), len(PIECES))
    assert not any(is_complete(len(made), other) for other in (2, 4, 6))
    found = opened(made, tmp_path / "list", is_file=is_file)
    for number, piece in reversed(list(enumerate(PIECES))):
        wrong = [piece[:-1] + b"x", b"x" + piece[1:], PIECES[0][:-1] + b"x"]
        assert found.is_right(number, memoryview(piece))
        assert not any(found.is_right(number, memoryview(one)) for one in wrong)
        assert found.is_hole(number, len(piece)) == (number == 2)
    beyond = len(PIECES)
    assert not found.is_right(beyond, memoryview(PIECES[0])) and not found.is_hole(beyond, PIECE)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_was_read_on_the_way_is_what_came_only_if_each_piece_is(form: ListForm) -> None:
    made, size = listed(form), sum(map(len, PIECES))
    read = {number: form.of(number, piece) for number, piece in enumerate(PIECES)}
    assert is_listed(form, size, read, made)
    for number, piece in enumerate(PIECES):
        wrong = form.of(number, b"x" + piece[1:])
        assert not is_listed(form, size, read | {number: wrong}, made)
        some = {one: entry for one, entry in read.items() if one != number}
        assert not is_listed(form, size, some, made)
    other = DIGESTS if form is not DIGESTS else Tags(b"l" * KEY)
    assert not is_listed(other, size, read, made)


@pytest.mark.parametrize("cut", ["", "short", "key", "entry"])
def test_by_a_list_that_is_cut_no_piece_is_right(cut: str) -> None:
    made = listed(Tags(b"k" * KEY))
    rest = {"": b"", "short": made[:3], "key": b"\x02" + made[1:], "entry": made[:-16]}[cut]
    assert not KnownList(rest).is_right(4, memoryview(PIECES[4]))
    assert cut == "key" or not is_complete(len(rest), len(PIECES))


def test_equal_pieces_have_other_tags_at_another_place_and_in_another_list() -> None:
    lists = [listed(Tags(key * KEY)) for key in (b"k", b"l")]
    tags = [made[at : at + 16] for made in lists for at in range(1 + KEY, len(made), 16)]
    assert len(set(tags)) == 2 * len(PIECES)


def test_all_holes_of_a_list_have_one_entry_of_their_own() -> None:
    found = ListedHash(Tags(b"k" * KEY))
    found.zeros(3 * PIECE)
    found.update(bytes(PIECE))
    entries = [found.pieces[1 + KEY :][at : at + 16] for at in range(0, 4 * 16, 16)]
    assert len(set(entries[:3])) == 1 and entries[3] != entries[0]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_zeros_are_not_right_where_the_disk_has_lost_the_list(form: ListForm) -> None:
    rest = KnownList(form.head + bytes(form.width * len(PIECES)))
    for number, piece in enumerate(PIECES):
        assert not rest.is_right(number, memoryview(bytes(len(piece))))
        assert not rest.is_hole(number, len(piece))
