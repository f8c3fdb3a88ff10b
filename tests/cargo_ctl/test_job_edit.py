"""`job edit` and `job set`: what is sent, what is said, and that no draft is lost."""

import stat
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from cargo_ctl.main import cargo_ctl
from cargo_sync.api.messages import ControlError
from tests.control.canned import Answer, canned

TEXT = '{\n    "password": "<unchanged>", // é\n    "speed": null\n}\n'
NOW: dict[str, Any] = {
    "job": "nightly", "file": "/jobs/nightly.json", "version": "v1", "text": TEXT,
    "fields": {"password": "<unchanged>", "speed": None, "guard": {"share": 0.5}, "sleep": 3},
    "errors": [], "warnings": [],
}  # fmt: skip
WRITTEN: dict[str, Any] = {
    "name": "nightly", "file": "/jobs/nightly.json", "state": "starting", "changed": True,
    "old": "/jobs/.removed/nightly.json", "in_place": True, "warnings": [],
}  # fmt: skip
SAID = (
    "nightly: starting; its file: /jobs/nightly.json; the one before: /jobs/.removed/nightly.json\n"
)


def run(*args: str, input: str | None = None) -> Result:
    return CliRunner().invoke(cargo_ctl, args, input=input)


def asked(runtime: str, *args: str, **answers: Answer) -> tuple[Result, list[dict[str, Any]]]:
    """The result of a command, and what it wrote."""
    with canned(runtime, {"job.read": NOW, "job.write": WRITTEN} | answers) as daemon:
        result = run(*args)
    return result, [args for cmd, args in daemon.asked if cmd == "job.write"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        (["speed=10mbps"], {"speed": "10mbps"}),
        (["sleep=5", "watch=false"], {"sleep": 5, "watch": False}),
        (["guard.share=0.2"], {"guard": {"share": 0.2}}),
        (["guard.window=1d"], {"guard": {"share": 0.5, "window": "1d"}}),
        (["guard=false"], {"guard": False}),
        (["filters.exclude=['*.bak', \"x\",]"], {"filters": {"exclude": ["*.bak", "x"]}}),
        (["sync_name='a b'"], {"sync_name": "a b"}),
        (['sync_name="5"'], {"sync_name": "5"}),
        (["sync_name=a=b"], {"sync_name": "a=b"}),
        (["sync_name=[no list"], {"sync_name": "[no list"}),
        (["sync_name=NaN"], {"sync_name": "NaN"}),
        (["speed=null"], {}),
        (["password_file=~/secret"], {"password_file": "~/secret"}),
    ],
    ids=str,
)
def test_set(runtime: str, changes: list[str], fields: dict[str, Any]) -> None:
    result, [sent] = asked(runtime, "job", "set", "nightly", *changes)
    assert (result.exit_code, result.stdout) == (0, SAID)
    assert sent == {"job": "nightly", "version": "v1", "fields": NOW["fields"] | fields}


def test_unset(runtime: str) -> None:
    result, [sent] = asked(
        runtime, "job", "set", "nightly", "--unset", "guard.share", "--unset", "sleep"
    )
    assert result.exit_code == 0
    assert sent["fields"] == {"password": "<unchanged>", "speed": None, "guard": {}}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["password=canary"], "other users of this machine could see the value of password here"),
        (["events.onFinish.secret=canary"], "could see the value of events.onFinish.secret"),
        (["events.onFinish.headers.Key=canary"], "could see the value"),
        (["speed"], "'speed' is no FIELD=VALUE"),
        (["=5"], "is no FIELD=VALUE"),
        ([], "give at least one FIELD=VALUE"),
        (["sleep.x=5"], "sleep has no fields inside it: it is 3"),
        (["--unset", "sleeep"], "the file has no sleeep"),
    ],
)
def test_what_is_not_sent(runtime: str, args: list[str], said: str) -> None:
    result, sent = asked(runtime, "job", "set", "nightly", *args)
    assert (result.exit_code, sent) == (2, []) and said in result.stderr
    assert "canary" not in result.output


def test_what_became_of_comments(runtime: str) -> None:
    anew = WRITTEN | {"in_place": False, "warnings": [{"text": "x: take care"}]}
    result, _ = asked(runtime, "job", "set", "nightly", "sleep=5", **{"job.write": anew})
    assert result.stdout == SAID + (
        "the file was written anew: its comments are only in the one before\n"
        "warning: x: take care\n"
    )
    same = WRITTEN | {"changed": False}
    result, _ = asked(runtime, "job", "set", "nightly", "sleep=3", **{"job.write": same})
    assert result.stdout == "nightly: nothing was changed\n"


def test_a_file_that_is_no_json_is_left_alone(runtime: str) -> None:
    broken = NOW | {"text": None, "fields": None, "errors": [{"text": "a.json: line 3 is odd"}]}
    for args in (["set", "nightly", "sleep=5"], ["edit", "nightly"]):
        result, sent = asked(runtime, "job", *args, **{"job.read": broken})
        assert (result.exit_code, sent) == (2, [])
        assert "a.json: line 3 is odd (correct /jobs/nightly.json itself" in result.stderr


def test_the_file_is_shown(runtime: str) -> None:
    with canned(runtime, {"job.read": NOW | {"errors": [{"text": "sleep: no"}]}}):
        result = run("job", "show", "nightly", "--file")
        json = run("job", "show", "nightly", "--file", "--json")
    assert result.stdout == TEXT + "error: sleep: no\n"
    assert orjson.loads(json.stdout)["version"] == "v1"


def test_a_hostile_file_is_shown_line_by_line(runtime: str) -> None:
    with canned(runtime, {"job.read": NOW | {"text": "a\x1b[2J\r\n\u202eb\x0bc\n"}}):
        result = run("job", "show", "nightly", "--file")
    assert result.stdout == "a\\x1b[2J\\x0d\n\\u202eb\\x0bc\n"


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes an editor that runs Python code with the draft's path as `path`, once per line."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def make(*turns: str) -> None:
        script, count = tmp_path / "editor.py", tmp_path / "turn"
        count.write_text("0")
        script.write_text(
            "import pathlib, sys\n"
            f"count, path = pathlib.Path({str(count)!r}), pathlib.Path(sys.argv[-1])\n"
            "turn = int(count.read_text())\n"
            "count.write_text(str(turn + 1))\n"
            f"exec({list(turns)!r}[turn])\n"
        )
        monkeypatch.setenv("VISUAL", f"{sys.executable} -I -S {script}")

    return make


def drafts(folder: Path) -> list[Path]:
    return list(folder.glob("cargo_ctl-*/*"))


REPLACE = "path.write_text(path.read_text().replace('null', '5'))"


def test_edit(runtime: str, editor: Any, tmp_path: Path) -> None:
    editor(f"assert path.stat().st_mode & 0o777 == 0o600, path.stat(); {REPLACE}")
    result, [sent] = asked(runtime, "job", "edit", "nightly")
    assert (result.exit_code, result.stdout) == (0, SAID), result.output
    assert sent == {"job": "nightly", "version": "v1", "text": TEXT.replace("null", "5")}
    assert 'leave "<unchanged>" where they stay' in result.stderr
    assert list(tmp_path.glob("cargo_ctl-*")) == []


def test_nothing_is_sent_if_nothing_was_edited(runtime: str, editor: Any, tmp_path: Path) -> None:
    editor("pass")
    result, sent = asked(runtime, "job", "edit", "nightly")
    assert (result.stdout, sent) == ("nightly: nothing was changed\n", [])
    assert list(tmp_path.glob("cargo_ctl-*")) == []


def test_errors_are_shown_and_the_editor_opens_again(
    runtime: str, editor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(REPLACE, "path.write_text(path.read_text().replace('5', '6'))")
    errors = [ControlError("bad_config", "a: first\nb: second\x1b")]

    def write(_: dict[str, Any]) -> dict[str, Any]:
        if errors:
            raise errors.pop()
        return WRITTEN

    with canned(runtime, {"job.read": NOW, "job.write": write}) as daemon:
        monkeypatch.setattr(
            "click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False
        )
        result = run("job", "edit", "nightly", input="y\n")
    assert result.exit_code == 0, result.output
    assert "a: first\nb: second\\x1b\nEdit it again?" in result.stderr
    texts = [args["text"] for cmd, args in daemon.asked if cmd == "job.write"]
    assert texts == [TEXT.replace("null", "5"), TEXT.replace("null", "6")]
    assert drafts(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (ControlError("bad_config", "a: first"), 2),
        (ControlError("changed", "it was changed meanwhile"), 1),
        (ControlError("forbidden", "you may only watch"), 1),
    ],
)
def test_a_refused_draft_is_kept(
    runtime: str, editor: Any, tmp_path: Path, error: ControlError, ends: int
) -> None:
    editor(REPLACE)
    result, _ = asked(runtime, "job", "edit", "nightly", **{"job.write": error})
    [draft] = drafts(tmp_path)
    assert result.exit_code == ends and error.message in result.stderr
    assert f"nothing was changed; your draft is in {draft}" in result.stderr
    assert draft.read_text() == TEXT.replace("null", "5")
    assert stat.S_IMODE(draft.parent.stat().st_mode) == 0o700


def test_an_editor_that_fails(
    runtime: str, editor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(f"{REPLACE}; sys.exit(3)")
    result, sent = asked(runtime, "job", "edit", "nightly")
    assert (result.exit_code, sent) == (1, [])
    assert "the editor ended with 3, so nothing was changed (your draft is in" in result.stderr
    monkeypatch.setenv("VISUAL", "no-such-editor -x")
    result, sent = asked(runtime, "job", "edit", "nightly")
    assert (result.exit_code, sent) == (2, [])
    assert "the editor 'no-such-editor -x' cannot be started" in result.stderr
    assert len(drafts(tmp_path)) == 1
