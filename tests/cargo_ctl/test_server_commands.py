"""The command line, against a server that answers from a table."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from click.testing import CliRunner, Result

from cargo_ctl.main import cargo_ctl
from cargo_ctl.reach import HOW_TO_SERVE
from cargo_ctl.render import nodes, users
from cargo_sync.api.client import Subscription
from cargo_sync.api.messages import ControlError, FeedMessage
from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.api.server_commands import COMMANDS
from cargo_sync.control.limits import speed
from tests.cargo_ctl.answers import (
    NODE_INVITED,
    NODE_SHOWN,
    NODES,
    ORPHANS,
    REPAIR,
    SERVER_SHOWN,
    SERVERS,
    TRASH,
)
from tests.cargo_ctl.server_examples import (
    ANA,
    BANDWIDTH,
    BEN,
    DOWN,
    HELLO,
    INVITED,
    LOGINS,
    MUSIC,
    STATUS,
    UP,
)
from tests.control.canned import Answer, canned

PASSWORD = "canary-3b9d"


def run(*args: str, input: str | None = None) -> Result:
    return CliRunner().invoke(cargo_ctl, args, input=input)


def transcript(runtime: str, answers: Mapping[str, Answer], *lines: str) -> str:
    """Each command line, its output, and its exit code if that is not 0."""
    told = []
    with canned(runtime, {"hello": HELLO, **answers}, "server"):
        for line in lines:
            result = run(*line.split())
            told.append(f"$ {line}\n{result.output.rstrip()}")
            if result.exit_code:
                told.append(f"exit {result.exit_code}")
    return "\n".join(told)


def test_no_server(runtime: str) -> None:
    for line in (["user", "list"], ["workspace", "list"], ["flow", "list"], ["status", "--server"]):
        result = run(*line)
        assert (result.exit_code, result.stderr) == (
            3,
            f"cargo_ctl: no server is running in {runtime}, which CARGO_RUNTIME_DIR names "
            f"({HOW_TO_SERVE})\n",
        )
    result = run("--connect", "other", "user", "list")
    assert (result.exit_code, result.stderr) == (
        3,
        f"cargo_ctl: no server answers at ipc://{runtime}/other/commands ({HOW_TO_SERVE})\n",
    )


def test_no_server_where_nothing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CARGO_RUNTIME_DIR")
    for name in ("TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert run("user", "list").stderr == f"cargo_ctl: no server is running ({HOW_TO_SERVE})\n"


def test_looking(runtime: str) -> None:
    shown = ANA | {
        "workspaces": [
            {"name": "default", "path": "/srv/ana", "access": "rw", "subfolder": ""},
            {"name": "music", "path": "/srv/music", "access": "wo", "subfolder": "in/ana"},
        ],
        "file": "/etc/server.json",
        "in_file": ["path", "username"], "flows": [UP],
    }  # fmt: skip
    answers: dict[str, Answer] = {
        "user.list": {"users": [ANA, BEN]},
        "user.show": shown,
        "workspace.list": {"workspaces": [MUSIC]},
        "flow.list": {"flows": [UP, DOWN]},
        "status": STATUS,
        "bandwidth.show": BANDWIDTH,
    }
    assert transcript(
        runtime,
        answers,
        "user list",
        "user show ana",
        "workspace list",
        "flow list",
        "status --server",
        "bandwidth --server",
    ) == (
        "$ user list\n"
        "USER         STATE     USED                        UPLOAD             "
        "                    DOWNLOAD        FLOWS  FROM     FOLDER\n"
        "ana          enabled   1.2 MB                      50mbps per transfer"
        ", 200mbps in total                      2  file     /srv/ana\n"
        "ben\\x1b[31m  disabled  412.0 GB of 500.0 GB (82%)                     "
        "                    1kbps in total         command  /srv/b\\x0a\n"
        "$ user show ana\n"
        "ana: enabled\n"
        "  folder      /srv/ana\n"
        "  used        1.2 MB\n"
        "  upload      50mbps per transfer, 200mbps in total\n"
        "  download    no limit\n"
        "  workspace   default (rw)  /srv/ana\n"
        "  workspace   music (wo, only in/ana)  /srv/music\n"
        "  file        /etc/server.json sets path, username\n"
        "  1 flow\n"
        "    ID        USER  DIRECTION   BYTES     SPEED   GRANTED      RTT  LOST  FOLDER\n"
        "    1f2e3d4c  ana   upload     1.2 MB  1.0 MB/s  6.2 MB/s  12.3 ms     0  default/in/box\n"
        "$ workspace list\n"
        "WORKSPACE  USED                USERS                  FROM     FOLDER\n"
        "music      0 B of 2.0 TB (0%)  ana rw, ben wo in/ben  command  /srv/music\n"
        "$ flow list\n"
        "ID        USER  DIRECTION   BYTES     SPEED   GRANTED      RTT  LOST  FOLDER\n"
        "1f2e3d4c  ana   upload     1.2 MB  1.0 MB/s  6.2 MB/s  12.3 ms     0  default/in/box\n"
        "99887766  ana   download      0 B                                     music\\x07\n"
        "$ status --server\n"
        "serving 3 users (1 disabled), 1 workspace, 1 folder not usable\n"
        "1 upload at 12.3 MB/s, 2 downloads at 0 B/s; 2 of 100 data connections\n"
        "up for 3 h 25 min\n"
        "error: '/b' is in use (stop it)\n"
        "$ bandwidth --server\n"
        "NAME      NOW      IN THE FILE  SET\n"
        "upload    100mbps  200mbps      by command, until the file changes\n"
        "download  none     none"
    )


def test_when_there_is_nothing(runtime: str) -> None:
    answers: dict[str, Answer] = {
        "user.list": {"users": []}, "workspace.list": {"workspaces": []},
        "flow.list": {"flows": []},
    }  # fmt: skip
    assert transcript(runtime, answers, "user list", "workspace list", "flow list") == (
        "$ user list\n"
        "there are no users; add one with: cargo_ctl user add NAME FOLDER\n"
        "$ workspace list\n"
        "there are no named workspaces; each user has their own folder\n"
        "$ flow list\n"
        "no transfers"
    )


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
def test_removing_a_user_asks_on_a_terminal(
    runtime: str,
    args: list[str],
    answer: str,
    terminal: bool,
    asked: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = {"user": "ben", "path": "/srv/ben"}
    with (
        canned(runtime, {"user.remove": gone}, "server") as server,
        monkeypatch.context() as patched,
    ):
        patched.setattr(
            "click.testing._NamedTextIOWrapper.isatty", lambda _: terminal, raising=False
        )
        result = run("user", "remove", "ben", *args, input=answer)
    refused = 1 if answer == "n\n" else 2
    assert bool(server.asked) is asked and result.exit_code == (0 if asked else refused)
    assert (
        "Remove the user ben, their password and their access to workspaces?" in result.output
    ) is ("--yes" not in args)
    assert ("Nothing was done" in result.output) is (not asked and refused == 2)


def test_changing(runtime: str) -> None:
    read = {
        "users": [{"user": "ana", "result": "changed"}],
        "workspaces": [{"workspace": "music", "result": "removed"}],
        "notices": ["server.json: changes of tls take effect at the next start"],
        "errors": [],
    }  # fmt: skip
    answers: dict[str, Answer] = {
        "user.set": ANA,
        "user.enable": ANA,
        "user.disable": ControlError(
            "in_file", '"enabled" of the user "ana" is in a.json, and the file wins'
        ),
        "user.remove": {"user": "ben", "path": "/srv/ben"},
        "workspace.add": MUSIC,
        "workspace.remove": {"workspace": "music", "path": "/srv/music"},
        "workspace.set": MUSIC,
        "workspace.grant": MUSIC,
        "workspace.revoke": ControlError(
            "unknown_user", 'there is no user "anna"', 'did you mean "ana"?'
        ),
        "bandwidth.set": BANDWIDTH,
        "reload": read,
        "shutdown": {},
    }
    assert transcript(
        runtime,
        answers,
        "user set ana --upload-speed 50mbps",
        "user enable ana",
        "user disable ana",
        "user remove ben --yes",
        "workspace add music /srv/music --grant ana=rw",
        "workspace remove music --yes",
        "workspace set music --quota 2TB",
        "workspace set music",
        "workspace grant music ana rw",
        "workspace revoke music anna",
        "reload --server",
        "shutdown --server",
    ) == (
        "$ user set ana --upload-speed 50mbps\n"
        "ana: enabled, upload 50mbps per transfer, 200mbps in total, /srv/ana\n"
        "$ user enable ana\n"
        "ana: enabled, upload 50mbps per transfer, 200mbps in total, /srv/ana\n"
        "$ user disable ana\n"
        'cargo_ctl: "enabled" of the user "ana" is in a.json, and the file wins\n'
        "exit 1\n"
        "$ user remove ben --yes\n"
        "ben is removed; the files stay in /srv/ben\n"
        "$ workspace add music /srv/music --grant ana=rw\n"
        "added: music: ana rw, ben wo in/ben, quota 2.0 TB, /srv/music\n"
        "$ workspace remove music --yes\n"
        "music is removed; the files stay in /srv/music\n"
        "$ workspace set music --quota 2TB\n"
        "music: ana rw, ben wo in/ben, quota 2.0 TB, /srv/music\n"
        "$ workspace set music\n"
        "Usage: cargo-ctl workspace set [OPTIONS] NAME\n"
        "Try 'cargo-ctl workspace set --help' for help.\n"
        "\n"
        "Error: give what to set, such as --quota SIZE\n"
        "exit 2\n"
        "$ workspace grant music ana rw\n"
        "music: ana rw, ben wo in/ben, quota 2.0 TB, /srv/music\n"
        "$ workspace revoke music anna\n"
        'cargo_ctl: there is no user "anna" (did you mean "ana"?)\n'
        "exit 2\n"
        "$ reload --server\n"
        "user ana: changed\n"
        "workspace music: removed\n"
        "note: server.json: changes of tls take effect at the next start\n"
        "$ shutdown --server\n"
        "the server is stopping"
    )


@pytest.mark.parametrize(
    ("line", "cmd", "args"),
    [
        (
            "user set ana --upload-speed none --download-bandwidth 1.5gbps --path /srv/x",
            "user.set",
            {
                "user": "ana",
                "upload_speed": "none",
                "download_bandwidth": "1.5gbps",
                "path": "/srv/x",
            },
        ),
        (
            "user set ana --quota 2TB --files none --expires 2027-01-31 --networks 10.0.0.0/8,::1",
            "user.set",
            {
                "user": "ana",
                "quota": "2TB",
                "files": "none",
                "expires": "2027-01-31",
                "networks": ["10.0.0.0/8", "::1"],
            },
        ),
        (
            "workspace set m --quota none --files 10",
            "workspace.set",
            {"workspace": "m", "quota": "none", "files": "10"},
        ),
        (
            "workspace add m /srv/m --grant a=b=rw --grant c=ro --grant d=wo:in/d=rw",
            "workspace.add",
            {
                "workspace": "m",
                "path": "/srv/m",
                "grants": {"a=b": "rw", "c": "ro", "d": {"access": "wo", "path": "in/d=rw"}},
            },
        ),
        (
            "workspace grant m joe wo --path in/joe",
            "workspace.grant",
            {"workspace": "m", "user": "joe", "access": "wo", "path": "in/joe"},
        ),
        (
            "bandwidth set --server --upload none --download reset",
            "bandwidth.set",
            {"upload": "none", "download": None},
        ),
    ],
)
def test_what_is_asked(runtime: str, line: str, cmd: str, args: dict[str, Any]) -> None:
    answers: dict[str, Answer] = {
        "user.set": ANA,
        "workspace.add": MUSIC,
        "workspace.grant": MUSIC,
        "workspace.set": MUSIC,
        "bandwidth.set": BANDWIDTH,
    }
    with canned(runtime, answers, "server") as server:
        assert run(*line.split()).exit_code == 0
        assert server.asked == [(cmd, args)]


def test_what_a_user_may_use_is_said_in_words() -> None:
    day, moment = datetime(2027, 2, 1).timestamp(), datetime(2027, 1, 31, 18, 30).timestamp()
    limits = {
        "quota": {"bytes": None, "files": 10_000},
        "used": {"bytes": 1_200_000, "files": 9_999},
        "networks": ["10.0.0.0/8", "::1/128"],
    }
    said = users.user_show(ANA | limits | {"expires": day, "flows": []}).splitlines()
    assert said[2:5] == [
        "  used        1.2 MB, 9,999 of 10,000 files (99%)",
        "  expires     until the end of 2027-01-31",
        "  networks    from 10.0.0.0/8, ::1/128",
    ]
    assert users.one_user(ANA | limits | {"expires": moment, "expired": True}) == (
        "ana: expired, quota 10,000 files, until 2027-01-31 18:30, from 10.0.0.0/8, ::1/128, "
        "upload 50mbps per transfer, 200mbps in total, /srv/ana"
    )


def test_the_bandwidth_of_a_daemon_is_shown_whatever_it_is(runtime: str) -> None:
    strange = {
        "bandwidth": [
            {"name": "bandwidth", "file": None, "now": 5_000},
            {"name": "x\x1b", "now": "y\x1b"},
        ]
    }
    with canned(runtime, {"bandwidth.show": strange}):
        assert run("bandwidth").stdout.splitlines() == [
            "NAME       NOW    IN THE FILE  SET", "bandwidth  5kbps  none",
            "x\\x1b      y\\x1b  none",
        ]  # fmt: skip


# -- invitations -----------------------------------------------------------------------------------


def test_an_invitation_is_one_line_and_its_token_is_the_callers(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = "user invite ana files --address files.example --for 7d"
    with canned(runtime, {"user.invite": INVITED}, "server") as server:
        result = run(*line.split())
        as_json = orjson.loads(run("user", "invite", "ana", "--json").stdout)
    (_, args), (_, others) = server.asked
    token = args.pop("token")
    assert len(token) == 22 and others["token"] != token
    assert args == {
        "user": "ana",
        "path": str(tmp_path / "files"),
        "address": "files.example",
        "seconds": 7 * 86_400,
    }
    assert result.stdout == f"cargo://ana@files.example:8443#yFd5.{token}\n"
    assert result.stderr.startswith(
        "added: ana, /srv/ana\nAn invitation for ana, for one use until 2023-11-1"
    )
    assert token not in result.stderr
    assert as_json == INVITED | {"invitation": f"{INVITED['invitation']}{others['token']}"}
    for wrong in ("4min", "31d"):
        result = run("user", "invite", "ana", "--for", wrong)
        assert (result.exit_code, "5min to 30d" in result.stderr) == (2, True)


def test_an_invitation_for_a_node_is_one_line(runtime: str) -> None:
    answers: dict[str, Answer] = {"node.invite": NODE_INVITED, "node.recovery": {"has_key": False}}
    with canned(runtime, answers, "server") as server:
        result = run("node", "invite", "cellar", "--zone", "house1", "--for", "7d")
    [(_, args), _] = server.asked
    token = args.pop("token")
    assert args == {"node": "cellar", "zone": "house1", "seconds": 7 * 86_400}
    assert result.stdout == f"node+cargo://cellar@files.example:8443#yFd5.{token}\n"
    assert result.stderr.startswith(
        "An invitation for the storage node cellar in the zone house1, for one use until 2023-11-1"
    )
    assert token not in result.stderr
    # What is no terminal may be a log: the recovery key is not shown there, and so not made.
    assert result.stderr.splitlines()[1].endswith("Make one with: cargo_ctl node recovery-key")
    assert run("node", "invite", "cellar", "--for", "4min").exit_code == 2


def test_invitations_and_devices(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cargo_ctl.render.invitations.moment", lambda time: f"at {time:.0f}")
    unknown = ControlError("unknown_device", 'ana has no device "lap"', 'did you mean "laptop"?')
    answers: dict[str, Answer] = {
        "user.show": ANA | LOGINS | {"flows": []},
        "user.invitation.list": LOGINS,
        "user.invitation.revoke": {"id": "5f0c7a12"},
        "user.device.revoke": lambda args: (
            {"user": "ana", "devices": [args.get("device", "a"), "b\x1b"]}
        ),
    }
    assert transcript(
        runtime,
        answers,
        "user show ana",
        "user invitation list",
        "user invitation revoke 5f0c7a12",
        "user device revoke ana laptop",
        "user device revoke ana --all",
    ) == (
        "$ user show ana\n"
        "ana: enabled\n"
        "  folder      /srv/ana\n"
        "  used        1.2 MB\n"
        "  upload      50mbps per transfer, 200mbps in total\n"
        "  download    no limit\n"
        "  device      laptop, since at 1700000000, not used yet\n"
        "  device      old\\x1b, since at 1700000000, last used at 1700000060\n"
        "  invitation  5f0c7a12, until at 1700000000\n"
        "$ user invitation list\n"
        "ID        USER  ENDS\n"
        "5f0c7a12  ana   at 1700000000\n"
        "$ user invitation revoke 5f0c7a12\n"
        "5f0c7a12: revoked\n"
        "$ user device revoke ana laptop\n"
        "revoked: laptop, b\\x1b of ana\n"
        "$ user device revoke ana --all\n"
        "revoked: a, b\\x1b of ana"
    )
    with canned(runtime, {"user.device.revoke": unknown}, "server") as server:
        assert run("user", "device", "revoke", "ana").exit_code == 2
        assert run("user", "device", "revoke", "ana", "x", "--all").exit_code == 2
        assert server.asked == []
        assert run("user", "device", "revoke", "ana", "lap").exit_code == 2


# -- passwords -------------------------------------------------------------------------------------


def asked_password(runtime: str, *line: str, input: str | None = None) -> tuple[Result, list[Any]]:
    with canned(runtime, {"user.add": ANA, "user.passwd": ANA}, "server") as server:
        result = run(*line, input=input)
    assert "canary" not in result.output
    return result, [args.get("password") for _, args in server.asked]


def test_a_password_comes_from_a_file_or_standard_input(runtime: str, tmp_path: Path) -> None:
    file = tmp_path / "ana.password"
    file.write_text(f"{PASSWORD}\r\nanother line\n")
    file.chmod(0o600)
    result, got = asked_password(runtime, "user", "passwd", "ana", "--password-file", str(file))
    assert (result.output, got) == (
        "ana has a new password; logins with the old one have ended\n",
        [PASSWORD],
    )
    result, got = asked_password(
        runtime, "user", "add", "ana", "/srv/ana", "--password-file", "-", input=f"{PASSWORD}\n"
    )
    assert (result.exit_code, got) == (0, [PASSWORD])
    file.chmod(0o644)
    result, _ = asked_password(runtime, "user", "passwd", "ana", "--password-file", str(file))
    assert f"warning: other users can read {file}" in result.stderr


def test_a_password_is_asked_for_twice_without_echo(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def prompt(text: str, **options: Any) -> str:
        asked.append((text, options))
        return PASSWORD

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr("cargo_ctl.password.sys", Terminal())
    result, got = asked_password(runtime, "user", "passwd", "ana")
    assert (result.exit_code, got) == (0, [PASSWORD])
    assert asked == [
        ("Password of ana", {"hide_input": True, "confirmation_prompt": True, "err": True}),
    ]  # fmt: skip


class Terminal:
    """A `sys` whose standard input is a terminal."""

    class stdin:  # noqa: N801
        @staticmethod
        def isatty() -> bool:
            return True


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("user passwd ana", "there is no terminal to ask for the password"),
        ("user passwd ana --password-file /no/such", "/no/such cannot be read"),
        ("user passwd ana --password-file -", "the first line of standard input is empty"),
        ("user passwd ana canary", "unexpected extra argument"),
        ("user set ana", "give what to set"),
        ("workspace add m /m --grant ana", "is not a grant"),
        ("workspace add m /m --grant ana=wo:", "is not a grant"),
        ("workspace grant m ana w", "is not one of"),
        ("workspace grant m ana rww", 'did you mean "rw"?'),
        ("bandwidth set --server", "give what to set"),
    ],
)
def test_wrong_usage(runtime: str, line: str, words: str) -> None:
    with canned(runtime, {"user.passwd": ANA, "user.set": ANA}, "server") as server:
        result = run(*line.split())
        assert (result.exit_code, server.asked) == (2, [])
    assert words in result.stderr


@pytest.mark.parametrize(
    ("cmd", "line"),
    [
        ("user.set", "user set ana --upload-speed fast"),
        ("bandwidth.set", "bandwidth set --server --upload 1mbps --download fast"),
    ],
)
def test_what_is_no_speed_is_told_how(runtime: str, cmd: str, line: str) -> None:
    def refuse(args: dict[str, Any]) -> dict[str, Any]:
        return {name: speed(cmd, name, text) for name, text in args.items() if name != "user"}

    with canned(runtime, {"hello": HELLO, cmd: refuse}, "server"):
        result = run(*line.split())
    assert result.exit_code == 2
    assert (
        '"fast" is not a speed (a number and bps, kbps, mbps or gbps, such as "10mbps"'
        in result.stderr
    )


# -- who answers -----------------------------------------------------------------------------------


def test_a_command_for_the_other_kind_says_so(runtime: str) -> None:
    with (
        canned(runtime, {"hello": HELLO, "bandwidth.set": BANDWIDTH}, "server"),
        canned(runtime, {"hello": {"kind": "daemon"}, "bandwidth.set": BANDWIDTH}, "daemon"),
    ):
        result = run("job", "list", "--server")
        assert (result.exit_code, result.stderr) == (
            2,
            "cargo_ctl: this is a server, but job list is for a daemon "
            "(leave out --server, or choose a daemon with --connect)\n",
        )
        result = run("bandwidth", "set", "--server", "--bandwidth", "1mbps")
        assert (result.exit_code, result.stderr) == (
            2,
            "cargo_ctl: this is a server, but bandwidth set --bandwidth is for a daemon "
            "(leave out --server, or choose a daemon with --connect)\n",
        )
        result = run("bandwidth", "set", "--bandwidth", "1mbps", "--upload", "1mbps")
        assert (result.exit_code, result.stderr) == (
            2,
            "cargo_ctl: this is a daemon, but bandwidth set --upload is for a server "
            "(add --server, or choose a server with --connect)\n",
        )
        result = run("user", "list", "--connect", "daemon", "--json")
        assert orjson.loads(result.stdout)["error"] == {
            "code": "unknown_command",
            "message": "this is a daemon, but user list is for a server",
            "hint": "add --server, or choose a server with --connect",
        }


def test_by_the_address_of_a_server_it_need_not_be_said(runtime: str) -> None:
    with canned(runtime, {"status": STATUS, "hello": HELLO}, "server") as server:
        address = server.addresses.commands
        assert run("status", "--connect", address).stdout.startswith("serving 3 users")
        assert run("status", "--connect", "server").stdout.startswith("serving 3 users")


@pytest.mark.parametrize("line", ["user list", "workspace list", "flow list", "status --server"])
def test_json(runtime: str, line: str) -> None:
    answers: dict[str, Answer] = {
        "user.list": {"users": [ANA, BEN]}, "workspace.list": {"workspaces": [MUSIC]},
        "flow.list": {"flows": [UP]}, "status": STATUS,
    }  # fmt: skip
    with canned(runtime, answers, "server"):
        result = run(*line.split(), "--json")
    assert orjson.loads(result.stdout) == answers[line.removesuffix(" --server").replace(" ", ".")]


def test_watching_a_server(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Subscription.receive

    heard: set[str] = set()

    def receive_then_end(self: Subscription, timeout: float | None = None) -> FeedMessage | None:
        message = receive(self, timeout)
        heard.update([message.topic] if message is not None else ())
        if len(heard) == 2:
            server.end()
        return message

    def until_ctrl_c(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Subscription, "receive", receive_then_end)
    monkeypatch.setattr("cargo_ctl.commands.feed.sleep", until_ctrl_c)
    with canned(runtime, {"hello": HELLO}, "server") as server:
        server.tell(lambda publisher: publisher.publish("status/", "status", STATUS))
        server.tell(
            lambda publisher: publisher.publish("flow/1f2e3d4c/", "flow", UP | {"ended": False})
        )
        result = run("watch", "--server")
    assert result.exit_code == 0
    assert sorted(result.stdout.splitlines()) == [
        "ana: upload into default/in/box started",
        "serving 3 users (1 disabled), 1 workspace, 1 folder not usable",
    ]
    assert result.stderr == (
        "the server has ended; waiting for it to come back (Ctrl-C ends this)\n"
    )


PICTURES = {"flow.rates"}
"""Commands that only the web page draws something of, as `job.rates` of a daemon."""


def test_every_command_of_a_server_can_be_given(runtime: str, tmp_path: Path) -> None:
    """Every command of the protocol can be sent from the command line."""
    lines = (
        "status --server",
        "user list",
        "user show a",
        "user add a /a --password-file -",
        "user set a --path /b",
        "user enable a",
        "user disable a",
        "user remove a --yes",
        "user passwd a --password-file -",
        "user invite a",
        "server list",
        "server show a",
        "server drain",
        "server remove a --yes",
        "node invite a",
        "node list",
        "node show a",
        "node drain a",
        "node remove a --yes",
        "node scrub a",
        "node recovery-key --yes",
        "user invitation list",
        "user invitation revoke a",
        "user device revoke a b",
        "workspace list",
        "workspace add a /a",
        "workspace remove a --yes",
        "workspace set a --quota none",
        "workspace grant a b rw",
        "workspace revoke a b",
        "workspace reclaim a --yes",  # it looks before
        "trash restore --server a 1",
        "trash empty --server a --yes",  # it lists the trash before
        "bandwidth --server",
        "bandwidth set --server --upload none",
        "flow list",
        "history --server",
        "callback list --server",
        "callback retry --all --server",
        "callback test --server",
        "feed --last --server",
        "log --server",
        "audit --server",
        "key list --server",
        f"key add a --role watch --out {tmp_path}/a.key --server",
        "key revoke a --server",
        "reload --server",
        "shutdown --server",
    )
    refused: dict[str, Answer] = {cmd: ControlError("busy", "no") for cmd in COMMANDS}
    answered: dict[str, Answer] = {
        "trash.list": TRASH,
        "node.recovery": {"has_key": True},
        "workspace.orphans": ORPHANS,
    }
    with canned(runtime, refused | answered, "server") as server:
        for line in lines:
            assert run(*line.split(), input="pass\n").exit_code == 1, line
        assert {cmd for cmd, _ in server.asked} == set(COMMANDS) - PICTURES


def test_servers_are_shown(runtime: str) -> None:
    with canned(runtime, {"server.list": SERVERS, "server.show": SERVER_SHOWN}, "server"):
        listed, shown = run("server", "list").stdout, run("server", "show", "a").stdout
    up, away = (" ".join(line.split()) for line in listed.splitlines()[1:])
    assert up.startswith("a * up 3 3.0 kB/s 25 % 1.2 ") and up.endswith(" https://a.example:8443")
    assert away.startswith("b away for 1 min 15 s 1.2 ")
    assert "transfers    1 upload at 1.0 kB/s, 2 downloads at 2.0 kB/s" in shown


def test_who_waits_hears_when_a_server_has_no_transfers_any_more(runtime: str) -> None:
    moving = SERVER_SHOWN | {"state": "draining"}
    empty = moving | {"figures": {"uploads": 0, "downloads": 0}}
    left = [moving, empty]
    answers: dict[str, Answer] = {
        "server.drain": moving, "server.show": lambda args: left.pop(0)
    }  # fmt: skip
    with canned(runtime, answers, "server") as server:
        assert run("server", "drain").stdout == (
            "a: draining; 1 upload at 1.0 kB/s, 2 downloads at 2.0 kB/s\n"
        )
        assert run("server", "drain", "a", "--wait").stdout == "a: draining; it can be stopped\n"
    asked = [cmd for cmd, _ in server.asked]
    assert asked == ["server.drain", "server.drain", "server.show", "server.show"]


def test_nodes_are_shown(runtime: str) -> None:
    with canned(runtime, {"node.list": NODES, "node.show": NODE_SHOWN}, "server"):
        listed, shown = run("node", "list").stdout, run("node", "show", "cellar").stdout
    state, missing = listed.splitlines()[1:3], listed.splitlines()[3:]
    assert listed.split()[5:7] == ["MISSING", "DAMAGED"]
    assert [line.split()[:4] for line in state] == [
        ["cellar", "house1", "down,", "draining,"],
        ["attic", "house1", "up", "1.2"],
    ]
    assert "silent for 1 min 15 s" in state[0] and "silent" not in state[1]
    assert missing == [
        "missing: 3 copies (4.0 kB)",
        "cannot be read now: 2 contents",
        "lost: 1 content; send these files again",
        "repair: 2 copies (3.0 kB) to make, 1 min 35 s left (1.0 kB/s of late)",
    ]
    assert "drained      not yet" in shown
    assert "missing      3 copies (4.0 kB) of 2 contents that it has" in shown
    assert "repair       2 copies (3.0 kB) to make, 1 min 35 s left (1.0 kB/s of late)" in shown
    assert "5 contents, 900 B read, 1 damaged" in shown


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speed_bps": None}, "2 copies (3.0 kB) to make, 1 min 35 s left (at most 25.0 MB/s)"),
        ({"eta_s": None}, "nothing was copied for a minute"),
        ({"copies": 0}, "waits until a node can give"),
    ],
)
def test_a_repair_that_is_not_measured(change: dict[str, Any], words: str) -> None:
    assert words in nodes.repair({"repair": REPAIR | change})


def test_a_recovery_key_is_made_here_and_shown_once(runtime: str) -> None:
    canned_answers: dict[str, Answer] = {
        "node.recovery": {"has_key": False},
        "node.recovery_key": {},
    }
    with canned(runtime, canned_answers, "server") as server:
        made = run("node", "recovery-key")
        key = RecoveryKey.parse(made.stdout)
        assert "Write it down" in made.stderr and str(key) not in made.stderr
        derived = {"sealing": key.sealing.hex(), "verifier": key.verifier.hex()}
        assert server.asked[-1] == ("node.recovery_key", derived)
    canned_answers["node.recovery"] = {"has_key": True, "made": 1.5}
    with canned(runtime, canned_answers, "server") as server:
        assert run("node", "recovery-key").exit_code == 2  # nobody can be asked
        assert [cmd for cmd, _ in server.asked] == ["node.recovery"]


def test_where_a_workspace_lies(runtime: str) -> None:
    spaces = [MUSIC | {"path": "", "copies": copies} for copies in (1, 2)]
    spaces.append(MUSIC | {"path": "", "bucket": "s3://music/in"})
    with canned(runtime, {"workspace.list": {"workspaces": spaces}}, "server"):
        lines = run("workspace", "list").stdout.splitlines()[1:]
    assert [line.partition("on nodes, ")[2] for line in lines[:2]] == ["1 copy", "2 copies"]
    assert lines[2].endswith("in s3://music/in")
