"""The table of what servers can do: each server of the conformance suite has a row."""

import pytest

from cargo_sync.model.abilities import CARGO
from tests.conformance.remotes import BUCKET, SHARE, SHELL
from tests.remotes.matrix import FOUND, HEAD, PAGE, row, rows_of, with_rows


def test_each_server_has_a_row_with_all_cells() -> None:
    rows = rows_of(PAGE.read_text(encoding="utf-8"))
    assert list(rows) == list(FOUND), "run python -m tests.remotes.matrix"
    for line in rows.values():
        assert len(line.strip("| ").split(" | ")) == len(HEAD), line


def test_a_row_says_what_differs() -> None:
    rows = [row("one", "1.0", can) for can in (CARGO, BUCKET, SHELL, SHARE)]
    assert len(set(rows)) == len(rows)
    assert "in steps of 1 s" in rows[2] and "goes on where it was" in rows[2]


def test_new_rows_replace_old_ones_and_nothing_else() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_rows(page, {}) == page
    name, *others = FOUND
    changed = with_rows(page, {name: row(name, "0.0", CARGO)})
    assert "| 0.0 |" in rows_of(changed)[name]
    assert [rows_of(changed)[one] for one in others] == [rows_of(page)[one] for one in others]
    with pytest.raises(ValueError, match="substring"):
        rows_of("no table")
