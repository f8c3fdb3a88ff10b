"""`workspace reclaim`: part by part, first to look, then to delete."""

from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from cargo_ctl.main import cargo_ctl
from tests.cargo_ctl.server_examples import HELLO
from tests.control.canned import Answer, canned

AT = "s3+https://store.example/cargo"
HALF = "8" + "0" * 31
FOUND = (
    "the server does not know 3 objects (1.2 kB) in "
    f"{AT}, stored 1 d 1 h to 9 d ago; besides 2 objects of the last day: does a copy of it run?\n"
)
QUESTION = (
    f"The server does not know 3 objects (1.2 kB) in {AT}, stored 1 d 1 h to 9 d ago. If a newer "
    "state than the server's is still needed, they are, too. Delete them for good?"
)
DELETED = (
    f"deleted: 3 objects (1.2 kB) in {AT}, stored 1 d 1 h to 9 d ago; what stays: 2 objects of the "
    "last day: does a copy of it run?\n"
)
EMPTY = {
    "workspace": "media", "bucket": AT, "objects": 0, "bytes": 0, "oldest_s": None,
    "newest_s": None, "young": 0, "after": None,
}  # fmt: skip
FIRST = EMPTY | {"objects": 1, "bytes": 200, "oldest_s": 90_000, "newest_s": 90_000, "young": 2}
LAST = EMPTY | {"objects": 2, "bytes": 1_000, "oldest_s": 777_600, "newest_s": 400_000}


def part(args: dict[str, Any]) -> dict[str, Any]:
    """Some of a bucket, then nothing, then the rest."""
    if not args["after"]:
        return FIRST | {"after": "3" * 32}
    return EMPTY | {"after": HALF} if args["after"] < HALF else LAST


@pytest.mark.parametrize(
    ("line", "look", "output", "code", "deletes"),
    [
        ("--dry-run", part, FOUND, 0, 0),
        ("--dry-run --yes", part, FOUND, 0, 0),
        ("--yes", part, DELETED, 0, 3),
        ("", part, f"cargo_ctl: {QUESTION} Nothing was done (add --yes)\n", 2, 0),
        ("--yes", EMPTY, f"the server knows all of {AT}\n", 0, 0),
        ("--yes", FIRST | {"after": HALF}, 'Error: the answer has no valid "after"', 1, 0),
        ("--yes", FIRST | {"after": "x"}, 'Error: the answer has no valid "after"', 1, 0),
    ],
)
def test_it_is_shown_then_deleted(
    runtime: str, line: str, look: Answer, output: str, code: int, deletes: int
) -> None:
    answers: dict[str, Answer] = {"workspace.orphans": look, "workspace.reclaim": part}
    with canned(runtime, {"hello": HELLO, **answers}, "server") as server:
        result = CliRunner().invoke(cargo_ctl, ["workspace", "reclaim", "media", *line.split()])
    assert (result.output[: len(output)], result.exit_code) == (output, code)
    assert [cmd for cmd, _ in server.asked].count("workspace.reclaim") == deletes


@pytest.mark.parametrize(("option", "deleted"), [("--dry-run", False), ("--yes", True)])
def test_as_json(runtime: str, option: str, deleted: bool) -> None:
    answers: dict[str, Answer] = {"workspace.orphans": part, "workspace.reclaim": part}
    with canned(runtime, answers, "server"):
        line = ["workspace", "reclaim", "media", option, "--json"]
        result = CliRunner().invoke(cargo_ctl, line)
    assert orjson.loads(result.output) == {
        "workspace": "media", "bucket": AT, "objects": 3, "bytes": 1_200, "oldest_s": 777_600,
        "newest_s": 90_000, "young": 2, "deleted": deleted,
    }  # fmt: skip
