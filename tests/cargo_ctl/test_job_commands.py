"""`job add|remove|history|test` and `transfer cancel`; the daemon answers from a table."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from cargo_ctl.commands import job_files
from cargo_ctl.main import cargo_ctl
from cargo_sync.api.messages import ControlError
from tests.cargo_ctl.examples import NOW
from tests.control.canned import canned

ADDED = {"name": "photos", "file": "/jobs/photos.json", "state": "paused"}
REMOVED = {"name": "photos", "file": "/jobs/.removed/photos.json"}


def run(*args: str, input: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cargo_ctl, args, input=input)


def test_a_file_is_sent_as_it_is(runtime: str, tmp_path: Path) -> None:
    file = tmp_path / "photos.json"
    file.write_bytes(b'\xef\xbb\xbf{"sync_name": "caf\xc3\xa9"} // why not\r\n')
    text = '{"sync_name": "café"} // why not\r\n'
    with canned(runtime, {"job.add": ADDED}) as daemon:
        result = run("job", "add", str(file), "--paused")
        run("job", "add", "-", input="text")
    assert result.stdout == "photos: paused; its file: /jobs/photos.json\n"
    assert daemon.asked == [
        ("job.add", {"text": text, "name": str(file), "paused": True}),
        ("job.add", {"text": "text", "name": "standard input"}),
    ]


def test_every_problem_is_told_on_a_line_of_its_own(runtime: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}")
    told = "bad.json:1: sync_name: is missing\nbad.json:3: local_dir: '\x1b' is relative"
    with canned(runtime, {"job.add": ControlError("bad_config", told)}):
        result = run("job", "add", str(tmp_path / "bad.json"))
    assert result.exit_code == 2
    assert result.stderr == (
        "cargo_ctl: bad.json:1: sync_name: is missing\nbad.json:3: local_dir: '\\x1b' is relative\n"
    )


def test_what_is_no_job_file_is_not_sent(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_text("")
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "long").write_text("x" * 50)
    monkeypatch.setattr(job_files, "_LARGEST", 40)
    with canned(runtime, {"job.add": ADDED}) as daemon:
        said = {name: run("job", "add", name) for name in ("missing", "empty", "picture", "long")}
    assert {name: (result.exit_code, result.stderr) for name, result in said.items()} == {
        "missing": (2, "cargo_ctl: missing cannot be read: No such file or directory\n"),
        "empty": (2, "cargo_ctl: empty is empty\n"),
        "picture": (2, "cargo_ctl: picture is not a text file in UTF-8\n"),
        "long": (2, "cargo_ctl: long is larger than 40 bytes: this is not a job file\n"),
    }
    assert daemon.asked == []


@pytest.mark.parametrize(
    ("args", "answer", "terminal", "asked"),
    [
        ([], "y\n", True, True),
        ([], "n\n", True, False),
        (["--yes"], "", True, True),
        (["--yes"], "", False, True),
        ([], "y\n", False, False),
        (["--json"], "", True, False),
        (["--json", "--yes"], "", True, True),
    ],
)
def test_removing_asks_on_a_terminal(
    runtime: str,
    args: list[str],
    answer: str,
    terminal: bool,
    asked: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with canned(runtime, {"job.remove": REMOVED}) as daemon, monkeypatch.context() as patched:
        patched.setattr(
            "click.testing._NamedTextIOWrapper.isatty", lambda _: terminal, raising=False
        )
        result = run("job", "remove", "photos", *args, input=answer)
    refused = 1 if answer == "n\n" else 2
    assert bool(daemon.asked) is asked and result.exit_code == (0 if asked else refused)
    assert ("Remove the job photos?" in result.output) is ("--yes" not in args)
    assert ("Nothing was done" in result.output) is (not asked and refused == 2)
    if asked and not args:
        assert result.stdout.endswith(
            "photos: removed; its file is now /jobs/.removed/photos.json; the files on both sides "
            "stay\n"
        )


def row(cursor: int, **changes: Any) -> dict[str, Any]:
    return {
        "cursor": cursor, "time": NOW + cursor, "kind": "uploaded", "path": f"{cursor}.bin",
        "bytes": 1_000_000, "seconds": 0.5, "speed_bps": 16_000_000, "transfer": "1f",
        "message": "",
    } | changes  # fmt: skip


def test_history_is_paged_until_there_is_enough(runtime: str, greenwich: None) -> None:
    rows = [
        row(9),
        row(8, kind="error", path="a b", bytes=5, seconds=None, speed_bps=None, message="no room"),
        row(7, kind="held", path="", bytes=0, seconds=None, speed_bps=None, message="so much"),
        row(6, seconds=75.0),
    ]  # fmt: skip

    def page(args: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in rows if one["cursor"] < args.get("before", 99)][
            : min(2, args["limit"])
        ]
        return {
            "job": "a",
            "rows": found,
            "next": found[-1]["cursor"] if found[-1:] != rows[-1:] else None,
        }

    with canned(runtime, {"job.history": page}) as daemon:
        told = run("job", "history", "a")
        few = run("job", "history", "a", "--limit", "3", "--failed", "--before", "9", "--json")
    assert told.stdout == (
        "TIME                 WHAT        SIZE        TOOK     SPEED  PATH\n"
        "2023-11-14 22:13:29  uploaded  1.0 MB       0.5 s  2.0 MB/s  9.bin\n"
        "2023-11-14 22:13:28  error        5 B                        a b: no room\n"
        "2023-11-14 22:13:27  held                                    so much\n"
        "2023-11-14 22:13:26  uploaded  1.0 MB  1 min 15 s  2.0 MB/s  6.bin\n"
    )
    assert [args for _, args in daemon.asked] == [
        {"job": "a", "limit": 50}, {"job": "a", "limit": 48, "before": 8},
        {"job": "a", "limit": 3, "before": 9, "kind": "error"},
        {"job": "a", "limit": 1, "before": 7, "kind": "error"},
    ]  # fmt: skip
    shown = orjson.loads(few.stdout)
    assert ([one["cursor"] for one in shown["rows"]], shown["next"]) == ([8, 7, 6], None)


def test_history_that_goes_on_and_none_at_all(runtime: str) -> None:
    with canned(runtime, {"job.history": {"job": "a", "rows": [row(9)], "next": 9}}):
        assert run("job", "history", "a", "--limit", "1").stdout.endswith(
            "older rows: --before 9\n"
        )
    with canned(runtime, {"job.history": {"job": "a", "rows": [], "next": None}}):
        assert run("job", "history", "a").stdout == "a: no history\n"


def test_checks_are_shown_as_they_come(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        {"name": "server", "ok": True, "message": "it answers", "hint": ""},
        {"name": "clock", "ok": True, "message": "41 s ahead", "hint": "set it"},
        {"name": "speed", "ok": False, "message": "busy", "hint": ""},
    ]
    seen: list[str] = []
    waits: list[int] = []
    monkeypatch.setattr("cargo_ctl.commands.job_look.time.sleep", lambda _: waits.append(len(seen)))
    monkeypatch.setattr("cargo_ctl.commands.job_look.click.echo", seen.append)

    def test(args: dict[str, Any]) -> dict[str, Any]:
        done = len(waits) if "test" in args else 0
        return {"test": "9a", "job": "a", "ready": done == 3, "steps": steps[:done]}

    with canned(runtime, {"job.test": test}) as daemon:
        result = run("job", "test", "a")
    assert result.exit_code == 1
    assert seen == [
        "✓ server         it answers", "! clock          41 s ahead (set it)",
        "✗ speed          busy",
    ]  # fmt: skip
    assert waits == [0, 1, 2], "each step is shown before the next is waited for"
    assert [args for _, args in daemon.asked] == [{"job": "a"}, *[{"job": "a", "test": "9a"}] * 3]


def test_one_transfer_is_cancelled(runtime: str) -> None:
    with canned(runtime, {"transfer.cancel": {"id": "1f2e", "job": "a", "path": "b c"}}) as daemon:
        assert run("transfer", "cancel", "1f").stdout == "b c of a: cancelled (transfer 1f2e)\n"
    assert daemon.asked == [("transfer.cancel", {"id": "1f"})]
    with canned(runtime, {"transfer.cancel": ControlError("unknown_transfer", "no")}):
        assert run("transfer", "cancel", "1f").exit_code == 2
