"""The table of access and rights, in full."""

from typing import get_args

import pytest

from cargo_sync.config.grants import AccessLevel
from cargo_sync.server.grants.rights import Right, refused, writes

TABLE = """
        look   read        add        change
    rw  yes    yes         yes        yes
    ro  yes    yes         read_only  read_only
    wo  yes    write_only  yes        write_only
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS[1:], ids=lambda row: row[0])
def test_the_table(row: list[str]) -> None:
    level: AccessLevel = row[0]  # type: ignore[assignment]
    assert [refused(level, right) or "yes" for right in map(Right, ROWS[0])] == row[1:]


def test_it_is_complete() -> None:
    assert sorted(ROWS[0]) == sorted(Right)
    assert sorted(row[0] for row in ROWS[1:]) == sorted(get_args(AccessLevel))
    assert [right for right in Right if writes(right)] == [Right.ADD, Right.CHANGE]
