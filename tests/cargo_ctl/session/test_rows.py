"""The fields of a transfer become a value, also if most of them are missing."""

import pytest

from cargo_ctl.session.transfers import TransferProblem, TransferRow


def test_what_is_told_of_a_transfer_is_read() -> None:
    told = {
        "transfer": "t1",
        "state": "failed",
        "remote": "a",
        "local": "/b",
        "path": "c",
        "bytes_done": 1,
        "bytes_total": 2,
        "problem": {"code": "occupied", "message": "it stands there", "hint": "-f"},
        "failed": [{"path": "c", "message": "no"}],
    }
    problem = TransferProblem("occupied", "it stands there", "-f")
    row = TransferRow("t1", "failed", told, "a", "/b", "c", 1, 2, problem, 1)
    assert TransferRow.of(told) == row
    assert row.code == "occupied"


@pytest.mark.parametrize("told", [{}, {"transfer": None}, {"transfer": 3}])
def test_what_is_about_no_transfer_is_none(told: dict[str, object]) -> None:
    assert TransferRow.of(told) is None


def test_what_is_not_told_is_empty() -> None:
    told = {"transfer": "t1", "problem": None, "bytes_done": None}
    row = TransferRow.of(told)
    assert row == TransferRow("t1", "", told)
    assert row is not None and row.code == ""
