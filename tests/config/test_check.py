"""`cargo_sync check`: the lines that it prints."""

from pathlib import Path

from cargo_sync.config.check import check
from tests.config.samples import NOW, job, write


def run(folder: Path, *names: str) -> tuple[list[str], int]:
    """check of files in `folder`, whose path is cut out of the lines."""
    lines, code = check([str(folder / name) for name in names], {"HOME": "/home/ana"}, NOW)
    return [line.replace(f"{folder}/", "").replace(f"{folder}", ".") for line in lines], code


def test_the_kind_of_a_file_is_seen_by_its_fields(tmp_path: Path) -> None:
    write(tmp_path, job(local_dir="."), "job.json")
    write(tmp_path, {"state_dir": "x", "jobs_dir": "y"}, "daemon.json")
    write(tmp_path, {"listen": "localhost", "state_dir": "x"}, "server.json")
    write(tmp_path, {}, "empty.json")
    names = ["job.json", "daemon.json", "server.json", "empty.json"]
    assert run(tmp_path, *names) == ([f"{name}: OK" for name in names], 0)


def test_every_problem_is_printed_and_the_good_are_good(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write(tmp_path, job(sync_name="a", local_dir="a"), "a.json")
    write(tmp_path, job(sync_name="a", local_dir="missing"), "b.json")
    write(tmp_path, {"listen": "localhost", "users": 3}, "c.json")
    write(tmp_path, {"listne": "x"}, "d.json")
    write(tmp_path, "{]", "e.json")
    assert run(tmp_path, "a.json", "b.json", "c.json", "d.json", "e.json", "f.json") == (
        [
            "a.json: OK",
            'b.json: sync_name: "a" is also the name of the job in a.json (rename one of them)',
            "b.json: local_dir: there is no folder missing (make it, or correct the path)",
            "c.json:3: users: must be a list, not a number (expected: a list of users)",
            "d.json: has no field of a job, a server, a daemon or a node file "
            "(see docs/configuration.md)",
            'e.json:1: unexpected "]" at line 1, column 2',
            "f.json: cannot be read: No such file or directory",
        ],
        2,
    )


def test_local_folders(tmp_path: Path) -> None:
    write(tmp_path, "", "file")
    write(tmp_path, job(sync_name="a", local_dir="file"), "a.json")
    write(tmp_path, job(sync_name="b", local_dir="new", sync_mode="download"), "b.json")
    write(tmp_path, job(sync_name="c", local_dir="no/new2", sync_mode="download"), "c.json")
    assert run(tmp_path, "a.json", "b.json", "c.json") == (
        [
            "a.json: local_dir: file is not a folder (make it, or correct the path)",
            "b.json: OK",
            "c.json: local_dir: there is no folder no to make new2 in (make it, or correct the "
            "path)",
        ],
        2,
    )


def test_files_of_a_folder_that_are_not_read_are_named(tmp_path: Path) -> None:
    write(tmp_path, job(local_dir="."), "a.JSON")
    write(tmp_path, job(local_dir="."), "b.json5")
    hint = "the name of a job file ends with .json"
    assert run(tmp_path, "") == ([f"warning: b.json5: is not read ({hint})", "a.JSON: OK"], 0)


def test_a_folder_stands_for_its_job_files(tmp_path: Path) -> None:
    write(tmp_path, job(local_dir="."), "a.json")
    write(tmp_path, "{", ".b.json")
    assert run(tmp_path, "") == (["a.json: OK"], 0)


def test_warnings_are_no_errors(tmp_path: Path) -> None:
    content = {"users": [{"username": "ana", "path": "ana", "password": "canary"}]}
    write(tmp_path, content, "server.json")
    assert run(tmp_path, "server.json") == (
        [
            "server.json: OK",
            "server.json: warning: server.json contains the password of ana in plain text; "
            "the server stores its hash: remove it",
        ],
        0,
    )


def test_folders_of_a_server(tmp_path: Path) -> None:
    write(tmp_path, "", "file")
    users = [
        {"username": name, "password_file": "file", "path": path}
        for name, path in (("ana", "new"), ("ben", "no/new"))
    ]
    spaces = [{"name": "music", "path": "file", "grants": {"ana": "rw"}}]
    write(tmp_path, "secret", "file")
    write(tmp_path, {"listen": "localhost", "users": users, "workspaces": spaces}, "server.json")
    lines, code = run(tmp_path, "server.json")
    assert code == 2
    assert [line.partition(": ")[2] for line in lines] == [
        "users[1].path: there is no folder no to make new in",
        "workspaces[0].path: file is not a folder",
    ]
