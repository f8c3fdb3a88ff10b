"""Commands from standard input, against a daemon that keeps the contract."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from cargo_sync.api.keys import key_text
from cargo_sync.config.control import ControlSettings
from tests.cargo_ctl.session.far import FINGERPRINT, PASSWORD, Far
from tests.cargo_ctl.shell.scripts import script, transcript

FILES = {"a.txt": b"one", "b.txt": b"twotwo", "docs/c.txt": b"three", "docs/deep/d.txt": b"four"}


@pytest.fixture
def far(runtime: str, here: Path) -> Far:
    return Far(FILES)


def test_looking_around(far: Far, runtime: str) -> None:
    with far.running(runtime):
        assert transcript(
            "ls\ncd docs\ncwd\nls\ncd ..\ncd docs/deep\npwd\ncd ../..\nls docs *.txt\ncd\n"
        ) == (
            "a.txt\nb.txt\ndocs/\n/docs\nc.txt\ndeep/\n/docs/deep\na.txt\nb.txt\n\ndocs:\nc.txt\ndeep/"
        )
        assert script("ls -l a.txt docs\n").stdout.splitlines()[0].split() == [
            "MODE", "SIZE", "MODIFIED", "NAME",
        ]  # fmt: skip


def test_fetching_several_at_once(far: Far, runtime: str, here: Path) -> None:
    with far.running(runtime):
        told = script(
            "get a.txt b.txt\nget *.txt docs\nget -r docs\nget -o other.txt a.txt\n"
            "get -o .. a.txt\n"
        )
        assert (
            told.exit_code == 1
        )  # the second line names `docs`, which is a folder: so it gets nothing
        assert told.stderr == "docs is a folder (-r includes everything in it)\n"
        assert sorted(told.stdout.splitlines()) == ["a.txt: 3 B in 0 s", "b.txt: 6 B in 0 s"]
        told = script("get -r docs\nget -o other.txt a.txt\nget -o .. a.txt\nget * \n")
    assert told.exit_code == 0
    assert told.stderr == "docs is a folder: skipped (-r includes it)\n"
    assert (here / "docs/deep/d.txt").read_bytes() == b"four"
    assert (here / "other.txt").read_bytes() == (here.parent / "a.txt").read_bytes() == b"one"
    assert far.calls("session.get")[0] == {
        "remote": "a.txt",
        "local": str(here / "a.txt"),
        "overwrite": False,
    }


def test_a_daemon_that_is_reached_by_its_port_with_a_key(
    far: Far, runtime: str, here: Path
) -> None:
    far.options = {"control": ControlSettings(port=0), "ipc": False}
    with far.running(runtime):
        assert far.daemon is not None
        key = here.parent / "laptop.key"
        key.write_bytes(key_text(far.daemon.made_key("laptop", "control")))
        key.chmod(0o600)
        assert (
            transcript("ls docs\nget a.txt\n", "--key", str(key))
            == "c.txt\ndeep/\na.txt: 3 B in 0 s"
        )
        far.daemon.keyring.revoke("laptop")  # type: ignore[union-attr]
        assert "does not know this key" in script("ls\n", "--connect", str(key)).stderr


def test_sending(far: Far, runtime: str, here: Path) -> None:
    (here / "x y.txt").write_bytes(b"new")
    (here / "tree").mkdir()
    (here / "tree/leaf").write_bytes(b"leaf")
    with far.running(runtime):
        text = (
            "put 'x y.txt'\nmkdir in\ncd in\nput -r tree\n"
            "put -o z.txt 'x y.txt'\nput ~/secret\nput nothing\n"
        )
        told = script(text)
    assert (told.exit_code, told.stderr) == (
        1,
        f"there is no {here}/nothing here (!ls lists the folder)\n",
    )
    assert {name: far.files[name] for name in ("x y.txt", "in/tree/leaf", "in/z.txt")} == {
        "x y.txt": b"new", "in/tree/leaf": b"leaf", "in/z.txt": b"new",
    }  # fmt: skip
    assert "in/secret" in far.files


def test_a_name_that_is_not_utf_8_fails_alone(far: Far, runtime: str, here: Path) -> None:
    for name in (b"x1.raw", b"x\xff.raw", b"x3.raw"):
        (here / os.fsdecode(name)).write_bytes(name)
    why = f"{here}/x\\udcff.raw: the name is not valid UTF-8 (rename it)"
    with far.running(runtime):
        told = script("put x*\nls x*\n")
        assert (told.exit_code, told.stderr) == (1, f"{why}\n1 of 3 failed\n")
        assert {name: far.files[name] for name in far.files if name.startswith("x")} == {
            "x1.raw": b"x1.raw", "x3.raw": b"x3.raw",
        }  # fmt: skip
        told = script("put -f x?.raw\n!ls *.raw\n", "--keep-going")
        assert (told.exit_code, told.stderr) == (1, f"{why}\n1 of 3 failed\n")
        assert told.stdout.splitlines()[2:] == ["x1.raw", "x3.raw", "x\\udcff.raw"]


def test_a_name_of_the_server_that_cannot_be_used_fails_alone(
    far: Far, runtime: str, here: Path
) -> None:
    far.problems = [{"path": "../x", "message": "the server has a name \x1b that cannot be used"}]
    note = r"the server has a name \x1b that cannot be used"
    with far.running(runtime):
        assert transcript("ls *.txt") == f"a.txt\nb.txt\n! {note}"
        assert transcript("ls") == f"a.txt\nb.txt\ndocs/\n! {note}"
        told = script("get *.txt")
    assert (told.exit_code, told.stderr) == (1, f"{note} (rename it)\n1 of 3 failed\n")
    assert sorted(os.listdir(here)) == ["a.txt", "b.txt"]


def test_an_existing_file_is_replaced_only_by_force(far: Far, runtime: str, here: Path) -> None:
    (here / "a.txt").write_bytes(b"mine")
    with far.running(runtime):
        assert transcript("get a.txt b.txt\nls\n") == (
            f"b.txt: 6 B in 0 s\n! a.txt: {here}/a.txt is there (-f replaces it)\n"
            "! 1 of 2 failed\nexit 1"
        )
        assert (here / "a.txt").read_bytes() == b"mine"
        assert transcript("get -f a.txt") == "a.txt: 3 B in 0 s"
    assert (here / "a.txt").read_bytes() == b"one"


def test_changing(far: Far, runtime: str) -> None:
    with far.running(runtime):
        told = transcript(
            "mkdir new 'with space'\nrename a.txt new/\nmv b.txt c.txt\ndelete docs\nrm c.*\nls\n"
        )
    assert told == (
        "created /new\ncreated /with space\n/a.txt is now /new/a.txt\n/b.txt is now /c.txt\n"
        "deleted /docs; it is in the server's trash\n"
        "deleted /c.txt; it is in the server's trash\n"
        "new/\nwith space/"
    )
    assert far.calls("session.delete")[0] == {"path": "docs", "recursive": True}


def test_undelete(far: Far, runtime: str) -> None:
    with far.running(runtime):
        told = transcript("rm docs\nrm a.txt\nundelete a.txt\nls -t *.none\nundelete docs\nls")
        lines = told.splitlines()
        assert lines[2:4] == ["restored: a.txt", "nothing of it is in the trash"]
        assert lines[4].endswith("restored") or lines[4].startswith("restored: docs/")
        assert "docs/" in lines and "a.txt" in lines
        listed = transcript("ls -t docs").splitlines()
        assert listed[0].split() == ["ID", "WHEN", "WHY", "SIZE", "STATE", "PATH"]
        assert all(line.split()[-1].startswith("docs/") for line in listed[1:])
        assert transcript("undelete nothing") == (
            "! nothing called /nothing is in the server's trash (ls -t lists it)\nexit 1"
        )


def test_a_pattern_is_for_the_trash_below_the_current_folder(far: Far, runtime: str) -> None:
    with far.running(runtime):
        transcript("rm docs\nundelete *.tx[t] 'a*b'")
        asked = far.calls("session.trash")
        assert asked[0] == {"under": "", "pattern": "*.tx[t]", "limit": 1000}
        quoted = [args for args in asked if args["pattern"] == "a[*]b"]
        assert quoted or len(asked) == 1


@pytest.mark.parametrize(
    ("line", "said", "code"),
    [
        ("gte a.txt", 'there is no command gte (did you mean "get"?)', 2),
        ("frobnicate", "there is no command frobnicate (help lists all commands)", 2),
        ("get a.tx", 'there is no /a.tx on the server (did you mean "a.txt"?)', 1),
        ("get *.mov", "nothing matches *.mov on the server", 1),
        ("get 'a.txt", "the quote ' is not closed", 2),
        (
            "get -x a",
            "there is no option -x; options: -r, -f, -o (for a name: -- -x)",
            2,
        ),
        ("get", "usage: get <file>", 2),
        ("cd a b", "usage: cd <dir>; put a name with spaces in quotes", 2),
        ("cd a.txt", "/a.txt is not a folder", 1),
        ("cd nowhere", "there is no /nowhere on the server", 1),
        ("!cd nowhere", "there is no {here}/nowhere here (!ls lists the folder)", 1),
        ("delete /", "that is the root of the workspace (give a file or folder in it)", 1),
        ("rename a.txt b.txt", "/b.txt already exists on the server (delete it first)", 1),
        ("speed fast", "fast is not a speed; write for example 10mbps, 500kbps or none", 2),
        ("use nowhere", "there is no workspace nowhere", 1),
        ("cancel 7", "there is no transfer 7 (transfers lists them)", 1),
        ("ls &", "ls cannot run in the background; get and put can", 2),
        ("!date", "!date: other programs can only be started at a terminal", 2),
        ("!", "! needs a command, such as !ls", 2),
        ("get -o nowhere/ a.txt", "there is no folder {here}/nowhere here", 1),
        (
            "put -o nowhere/ ~/secret",
            "there is no folder /nowhere on the server (mkdir makes it)",
            1,
        ),
    ],
)
def test_what_is_refused(
    far: Far, runtime: str, here: Path, line: str, said: str, code: int
) -> None:
    with far.running(runtime):
        told = script(f"{line}\nls\n")
    assert (told.stderr, told.exit_code, told.stdout) == (said.format(here=here) + "\n", code, "")


def test_k_goes_on_and_still_tells_of_the_failure(far: Far, runtime: str) -> None:
    with far.running(runtime):
        told = script("# a comment\n\nget nothing\ncwd\nquit\nls\n", "-k")
    assert (told.exit_code, told.stdout) == (1, "/\n")


def test_transfers_beside_a_script_are_waited_for(far: Far, runtime: str, here: Path) -> None:
    with far.running(runtime):
        told = script("get a.txt &\nget b.txt &\nwait\ntransfers\nget docs/c.txt &\n")
    assert told.exit_code == 0
    assert told.stderr == "[1] get a.txt\n[2] get b.txt\n[3] get c.txt\n"
    lines = told.stdout.splitlines()
    assert lines[2:4] == ["  1  get a.txt: done", "  2  get b.txt: done"]
    assert sorted(lines[:2] + lines[4:]) == [
        "a.txt: 3 B in 0 s",
        "b.txt: 6 B in 0 s",
        "c.txt: 5 B in 0 s",
    ]


def test_a_cut_get_goes_on_and_says_so(far: Far, runtime: str, here: Path) -> None:
    far.stuck.add("a.txt")
    far.files["a.txt"] = b"x" * 1_000_000
    with far.running(runtime):
        told = script("get a.txt &\ncancel 1\nwait\n", "-k")
        assert (
            told.stderr
            == "[1] get a.txt\na.txt: cancelled at 500.0 kB of 1.0 MB; repeat the command to "
            "resume\n"
        )
        told = script("get a.txt\n")
    assert told.stderr == "a.txt: resumes at 500.0 kB of 1.0 MB\n"
    assert told.stdout.startswith("a.txt: 1.0 MB in 0 s")


def test_what_was_cancelled_is_known_before_the_feed_says_so(
    far: Far, runtime: str, here: Path
) -> None:
    far.stuck.add("a.txt")
    far.mute = True
    with far.running(runtime):
        told = script("get a.txt &\ncancel 1\ntransfers\n")
    assert told.stdout == "  1  get a.txt: cancelled at 1 B of 3 B\n"
    assert told.stderr.endswith("a.txt: cancelled at 1 B of 3 B; repeat the command to resume\n")


def test_names_from_the_server_do_nothing_and_go_nowhere(
    far: Far, runtime: str, here: Path
) -> None:
    far.listed[""] = [
        {"name": name, "kind": "file", "size": 1, "mtime": None, "mode": None}
        for name in ("../../evil", "..", "", "x\x1b[2J\n", "-rf")
    ]
    far.files = {"x\x1b[2J\n": b"1", "-rf": b"2"}
    with far.running(runtime):
        told = script("ls\nls -l\nget *\n")
    assert told.exit_code == 0
    assert "\x1b" not in told.output
    assert told.stdout.splitlines()[:2] == ["x\\x1b[2J\\x0a", "-rf"]
    assert {args["remote"] for args in far.calls("session.get")} == {"x\x1b[2J\n", "-rf"}
    assert sorted(os.listdir(here)) == ["-rf", "x\x1b[2J\n"]


def test_json_is_a_document_a_command(far: Far, runtime: str) -> None:
    with far.running(runtime):
        told = script("cwd\nls docs\nget a.txt\nget nothing\n", "--json")
    documents = [json.loads(line) for line in told.stdout.splitlines()]
    assert (told.exit_code, told.stderr) == (1, "")
    assert documents[0] == {"path": "/", "workspace": "default"}
    assert [each["name"] for each in documents[1]["entries"]] == ["c.txt", "deep"]
    assert (documents[2]["state"], documents[2]["bytes_done"]) == ("done", 3)
    assert documents[3]["error"]["code"] == "unknown"


def test_the_daemons_jobs(far: Far, runtime: str) -> None:
    plan = {"run": "3f", "ready": True, "totals": {"put": 1, "bytes": 5}, "next": None,
            "actions": [{"op": "put", "path": "a", "size": 5, "why": "new"}]}  # fmt: skip
    with far.running(runtime, job_list={"jobs": []}, job_sync={"run": "3f"}, job_plan=plan):
        told = transcript("jobs\nsync nightly\nplan nightly\n")
    assert told.splitlines()[:2] == [
        "there are no jobs",
        "nightly: run 3f starts; to watch it: cargo_ctl watch",
    ]
    assert "1 put, 5 B" in told


def test_workspaces(far: Far, runtime: str) -> None:
    with far.running(runtime):
        told = transcript("cd docs\nuse archive\ncwd\nuse\n", "--workspace", "default")
    assert told == (
        "workspace archive\n/\n   WORKSPACE  ACCESS\n   default    rw\n*  archive    ro"
    )


def test_a_wrong_password_and_none(far: Far, runtime: str, here: Path) -> None:
    far.password = "another"
    with far.running(runtime):
        told = script("ls\n")
        assert (told.exit_code, told.stderr) == (
            1,
            "the server does not know this name and password\n",
        )
        assert PASSWORD not in told.output
        told = script("ls\n", "--password-file", str(here / "nothing"))
        assert (told.exit_code, "cannot be read: No such file" in told.stderr) == (2, True)
        (here.parent / "home/secret").chmod(0o644)
        told = script("ls\n")
        assert (told.exit_code, "other users can read the password file" in told.stderr) == (
            2,
            True,
        )


@pytest.mark.parametrize(
    ("look", "said", "code"),
    [
        ({"trusted": False}, "and there is no terminal to ask:", 1),
        ({"sealed": False, "url": "http://far:1"}, "the connection to far:1 is not encrypted", 1),
        ({"kind": "pydio", "message": "this is a Pydio server"}, "this is a Pydio server", 1),
        ({"kind": "unknown", "message": ""}, "no Cargo server answers at files.example", 1),
    ],
)
def test_servers_that_are_not_let_in(
    far: Far, runtime: str, look: dict[str, object], said: str, code: int
) -> None:
    far.look |= look
    with far.running(runtime):
        told = script("ls\n")
        assert (told.exit_code, said in told.stderr, told.stdout) == (code, True, "")
        assert far.calls("session.open") == []


def test_a_fingerprint_on_the_command_line_is_what_the_session_is_held_to(
    far: Far, runtime: str
) -> None:
    far.look["trusted"] = False
    with far.running(runtime):
        assert script("cwd\n", "--tls-fingerprint", f"sha256:{FINGERPRINT.upper()}").stdout == "/\n"
    assert far.calls("session.open")[0]["tls_fingerprint"] == FINGERPRINT


def test_a_daemon_that_goes_away_ends_it_with_3(
    far: Far, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(_args: dict[str, object]) -> dict[str, object]:
        assert far.daemon is not None
        far.daemon.end()
        await asyncio.Event().wait()  # it ends before it answers
        return {}

    monkeypatch.setattr("cargo_sync.control.router._LAST_WORDS", 0.0)
    with far.running(runtime, session_list=gone):
        told = script("cwd\nls\ncwd\n")
    assert (told.exit_code, told.stdout) == (3, "/\n")
