"""Jobs in pydio-sync's fields load as ours, and what is wrong is said in the author's words."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cargo_sync.config.check import check
from cargo_sync.config.job import load_job
from tests.config.samples import NOW, problems, write


def pydio(**changes: Any) -> dict[str, Any]:
    content = {
        "server": "https://files.example.org",
        "workspace": "my-files",
        "directory": "/home/john/PydioFolder",
        "remote_folder": "/sub",
        "user": "john",
        "password": "canary-55aa",
        "direction": "up",
        **changes,
    }
    return {key: value for key, value in content.items() if value is not None}


@pytest.mark.parametrize("value", [[], {}, 1, True])
def test_a_value_that_is_no_text_is_refused_in_words(tmp_path: Path, value: object) -> None:
    [said] = problems(load_job, write(tmp_path, pydio(direction=value)))
    assert said.startswith("direction: must be text in quotes")
    load_job(write(tmp_path, pydio(frequency=value)), {})


def test_its_fields_are_ours(tmp_path: Path) -> None:
    filters = {"includes": ["*"], "excludes": [".*", "/recycle_bin*", "*.pydio_dl"]}
    job = load_job(
        write(tmp_path, pydio(filters=filters, active=False, solve="both", timeout=20)), {}
    )
    assert (job.mode, job.local_dir, job.remote_dir, job.workspace, job.username) == (
        "upload",
        "/home/john/PydioFolder",
        "sub",
        "my-files",
        "john",
    )
    assert job.url == "https://files.example.org:8443"
    assert job.include == ("*",)
    assert job.exclude[-3:] == (".*", "/recycle_bin*", "*.pydio_dl")
    assert (job.name, job.enabled, job.warnings) == ("my-files PydioFolder", False, ())


def test_down_and_a_label(tmp_path: Path) -> None:
    job = load_job(write(tmp_path, pydio(direction="down", label="Photos", sleep=10)), {})
    assert (job.mode, job.name, job.sleep) == ("download", "Photos", 10.0)


@pytest.mark.parametrize("direction", ["bi", None])
def test_both_ways_is_the_default(tmp_path: Path, direction: str | None) -> None:
    job = load_job(write(tmp_path, pydio(direction=direction)), {})
    assert (job.mode, job.delete) == ("bidirectional", "propagate")


def test_errors_name_the_fields_that_were_written(tmp_path: Path) -> None:
    bad = pydio(server="ftp://x", user="a:b", filters={"excludes": [7]}, remote_folder="../x")
    assert [line.split(":")[0] for line in problems(load_job, write(tmp_path, bad))] == [
        "server", "remote_folder", "user", "filters.excludes[0]",
    ]  # fmt: skip
    twice = pydio(local_dir="/tmp")
    assert problems(load_job, write(tmp_path, twice)) == [
        'directory: is the same field as "local_dir" (keep one of them)'
    ]
    assert problems(load_job, write(tmp_path, pydio(direktion="up"))) == [
        'direktion: is not a field here (did you mean "direction"?)'
    ]


def test_what_is_not_done_is_a_warning(tmp_path: Path) -> None:
    job = load_job(write(tmp_path, pydio(frequency="manual", solve="remote", poolsize=4)), {})
    assert [warning.split(" has no effect")[0] for warning in job.warnings] == [
        'frequency "manual"', 'solve "remote"',
    ]  # fmt: skip


def written(**changes: Any) -> dict[str, Any]:
    """A job as pydio-sync writes it."""
    return {
        "__type__": "JobConfig", "server": "http://localhost", "id": "localhost-1", "label": "",
        "workspace": "1", "directory": "/home/john/Pydio", "remote_folder": "", "user": "john",
        "direction": "down", "frequency": "auto", "solve": "both", "start_time": {"h": 0, "m": 0},
        "monitor": True, "trust_ssl": False, "active": True, "server_configs": None,
        "filters": {"includes": ["*"], "excludes": [".*", "~*"]}, "timeout": 20, "poolsize": 4,
        "hide_up_dir": "false", "hide_bi_dir": "false", "hide_down_dir": "false", **changes,
    }  # fmt: skip


def test_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def get_password(service: str, user: str) -> str:
        asked.append((service, user))
        return "canary-kept"

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))
    for content in (written(), [written()], {"localhost-1": written()}):
        path = write(tmp_path, content)
        job = load_job(path, {})
        assert (job.mode, job.local_dir, job.remote_dir) == ("download", "/home/john/Pydio", "")
        assert (job.name, job.password.reveal()) == ("1 Pydio", "canary-kept")
        [warning] = job.warnings
        assert warning.endswith("if it is Pydio, begin it with pydio+http://")
        assert check([path], {}, NOW)[0] == [
            f"{path}: local_dir: there is no folder /home/john to make Pydio in (make it, or "
            "correct the path)"
        ]
    assert set(asked) == {("http://localhost", "john")}
    trusting = load_job(write(tmp_path, [written(trust_ssl=True, password="p")]), {})
    assert [one.split(" has ")[0] for one in trusting.warnings][1:] == ["trust_ssl"]
    for server in ("https://localhost:8443", "pydio+https://localhost"):
        known = load_job(write(tmp_path, written(server=server, password="p")), {})
        assert known.warnings == ()
    [wrong] = problems(load_job, write(tmp_path, {"a": written(user="a/b")}))
    assert wrong.startswith("user: may not contain")


@pytest.mark.parametrize("content", [[written(), written()], {"a": written(), "b": written()}])
def test_a_file_of_several_jobs_is_told_apart(tmp_path: Path, content: object) -> None:
    assert problems(load_job, write(tmp_path, content)) == [
        ": has 2 jobs of pydio-sync, and a job file has one (make a file of each: a job is what "
        'stands between its "{" and "}")'
    ]


@pytest.mark.parametrize("content", [[], [{}], [1], "[[]]"])
def test_other_lists_are_no_job(tmp_path: Path, content: object) -> None:
    [line] = problems(load_job, write(tmp_path, content))
    assert line.startswith(": must be an object")


def test_check_knows_it(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    path = write(tmp_path, pydio(directory=str(folder)))
    assert check([path], {}, NOW) == ([f"{path}: OK"], 0)


@pytest.mark.parametrize(
    ("solve", "conflicts"),
    [
        ("both", "keep_both"),
        (None, "keep_both"),
        ("manual", "ask"),
        ("local", "local"),
        ("remote", "remote"),
    ],
)
@pytest.mark.parametrize("direction", ["bi", None])
def test_solve_is_what_is_done_about_conflicts(
    tmp_path: Path, direction: str | None, solve: str | None, conflicts: str
) -> None:
    job = load_job(write(tmp_path, pydio(direction=direction, solve=solve)), {})
    assert (job.mode, job.conflicts, job.warnings) == ("bidirectional", conflicts, ())


def test_a_wrong_solve_is_named_as_it_was_written(tmp_path: Path) -> None:
    assert problems(load_job, write(tmp_path, pydio(direction="bi", solve="first"))) == [
        'solve: "first" is not allowed (expected: "both", "local", "remote" or "manual")'
    ]
