"""One job file: what it comes to, and what is said about a wrong one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config import after_transfer
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.events import EventSettings
from cargo_sync.config.job import JobSettings, StillValid, load_job, still_valid
from cargo_sync.config.job_shape import DEFAULT_EXCLUDE, GuardSettings
from cargo_sync.config.relaxed import Raw
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.config.secret import Secret
from cargo_sync.config.timetable import TimetableRow, Window
from tests.config.samples import job, problems, write


def load(folder: Path, **changes: Any) -> JobSettings:
    return load_job(write(folder, job(**changes)), {"HOME": "/home/ana"})


def wrong(folder: Path, **changes: Any) -> list[str]:
    return problems(load_job, write(folder, job(**changes)))


def test_a_job_with_nothing_but_what_it_needs(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings == JobSettings(
        name="nightly",
        mode="upload",
        local_dir="/tmp",
        remote_dir="",
        workspace="default",
        username="ana",
        password=Secret("canary-7d1f"),
        remote=RemoteAddress.parse("https://files.example.org"),
        file=str(tmp_path / "file.json"),
    )
    assert "canary" not in repr(settings)
    assert settings.password.reveal() == "canary-7d1f"


def test_a_job_with_everything(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("certificates")
    path = write(
        tmp_path,
        """{
        sync_name: "Music", sync_mode: "download", local_dir: "~/music/", remote_dir: "/a//b/",
        workspace: "shared", hostname: "files.example.org:443/cargo", ca_file: "ca.pem",
        username: "${USER}", password: "$${x} ${PASSWORD}",
        speed: "1.5mbps", sleep: 0.5, settle: 0, full_scan_interval: 60,
        watch: false, enabled: false,
        start_time: "10:00pm", end_time: "06:00", timezone: "Europe/Madrid",
        filters: {include: ["*.mp3"], exclude: ["!*.tmp", "/old/"]},
        delete: "keep", after_transfer: {move: "/done/x"}, trash_days: 0,
        events: {onStart: {
          method: "PUT", url: "https://a/{{ FILE_NAME }}", body: {f: {{ FILE_NAME }}}}},
        }""".replace("/done/x", "done/x [1]"),
    )
    assert load_job(path, {"HOME": "/home/ana", "USER": "ben", "PASSWORD": "${y}"}) == JobSettings(
        name="Music",
        mode="download",
        local_dir="/home/ana/music",
        remote_dir="a/b",
        workspace="shared",
        username="ben",
        password=Secret("${x} ${y}"),
        remote=RemoteAddress.parse("https://files.example.org:443/cargo"),
        file=path,
        speed=1_500_000,
        sleep=0.5,
        settle=0,
        full_scan_interval=60,
        watch=False,
        enabled=False,
        after_transfer="move",
        move_to="done/x [1]",
        include=("*.mp3",),
        exclude=(*DEFAULT_EXCLUDE, "!*.tmp", "/old/", r"/done/x \[1\]/"),
        window=Window(22 * 60, 6 * 60),
        timezone="Europe/Madrid",
        events=(
            EventSettings("onStart", "PUT", "https://a/{{ FILE_NAME }}", {"f": Raw("FILE_NAME")}),
        ),
        trash_days=0,
        ca_file=str(tmp_path / "ca.pem"),
    )


def test_everything_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    assert problems(load_job, write(tmp_path, {})) == [
        "sync_name: is missing (expected: the job's name, 1 to 100 characters)",
        'sync_mode: is missing (expected: "upload", "download" or "bidirectional")',
        "local_dir: is missing (expected: a folder on this machine)",
        'hostname: is missing (expected: the server\'s address, such as "https://files.example.org:8443")',
        "username: is missing (expected: the user's name on the server)",
        'password: is missing (expected: text, or {"keyring": "service"}; or use password_file)',
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"sync_name": 7},
            "sync_name: must be text in quotes, not a number (expected: the job's name, ",
        ),
        ({"sync_name": "a\tb"}, "sync_name: contains a control character"),
        (
            {"sync_mode": "both"},
            'sync_mode: "both" is not allowed (expected: "upload", "download" or "bidirectional")',
        ),
        ({"sync_mode": ["upload"]}, "sync_mode: must not be a list"),
        ({"guard": True}, "guard: must not be true (expected: false, or an object with share, "),
        ({"guard": {"share": 0}}, "guard.share: must be more than 0"),
        ({"guard": {"share": 1.5}}, "guard.share: must be at most 1"),
        ({"guard": {"at_least": -1}}, "guard.at_least: must be at least 0"),
        ({"guard": {"window": "1w"}}, 'guard.window: "1w" is not a length of time (expected: a '),
        ({"guard": {"window": "31d"}}, 'guard.window: "31d" is too long'),
        ({"guard": {"window": 60}}, "guard.window: must be text in quotes, not a number"),
        ({"guard": {"windw": "1d"}}, 'guard.windw: is not a field here (did you mean "window"?)'),
        ({"sync_mdoe": "upload"}, 'sync_mdoe: is not a field here (did you mean "sync_mode"?)'),
        ({"zzz": 1}, "zzz: is not a field here (known: after_transfer, agent, "),
        ({"remote_dir": "/a/../.."}, 'remote_dir: ".." is not allowed'),
        (
            {"hostname": "gopher://a"},
            "hostname: names nothing that Cargo knows; known: https://HOST, http://HOST, s3://",
        ),
        (
            {"hostname": "http://files.example.org"},
            "hostname: http:// sends the password and the files unencrypted; ",
        ),
        (
            {"hostname": "http://localhost", "tls_fingerprint": "ab" * 32},
            "tls_fingerprint: has no meaning with http://",
        ),
        (
            {"tls_fingerprint": "ab"},
            "tls_fingerprint: is not a SHA-256 fingerprint (expected: 64 hex digits",
        ),
        (
            {"tls_fingerprint": "ab" * 32, "ca_file": "/etc/passwd"},
            "ca_file: cannot be used together with tls_fingerprint",
        ),
        (
            {"ca_file": "/nowhere/ca.pem"},
            "ca_file: there is no file /nowhere/ca.pem (expected: a file of certificates",
        ),
        ({"password": ""}, "password: is empty"),
        ({"password": 12345}, "password: must be text in quotes, not a number"),
        (
            {"password_file": "/nowhere/p"},
            "password_file: /nowhere/p cannot be read: No such file or directory",
        ),
        (
            {"speed": "10 mb"},
            'speed: "10 mb" is not a speed (expected: a number and bps, kbps, mbps or gbps, '
            "such as",
        ),
        (
            {"speed": 10},
            "speed: must be text in quotes or a list, not a number (expected: a number and bps",
        ),
        ({"priority": 101}, "priority: must be at most 100 (expected: a whole number, 0 to 100)"),
        ({"sleep": 0}, "sleep: must be more than 0 (expected: seconds, more than 0)"),
        ({"sleep": "3"}, "sleep: must be a number, not text"),
        ({"sleep": float("inf")}, "sleep: input should be a finite number"),
        ({"settle": -1}, "settle: must be at least 0"),
        ({"watch": "yes"}, "watch: must be true or false, not text"),
        (
            {"start_time": "25:00"},
            'start_time: "25:00" is not a time of day (expected: a time of day such as ',
        ),
        (
            {"start_time": "6:00am", "end_time": "06:00"},
            "end_time: is the same as start_time; leave both out",
        ),
        (
            {"timezone": "Europe/Madird"},
            'timezone: there is no time zone "Europe/Madird" (expected: a name such as ',
        ),
        ({"timezone": "../../etc/passwd"}, 'timezone: there is no time zone "../../etc/passwd"'),
        (
            {"filters": ["*.tmp"]},
            "filters: must be an object, not a list (expected: an object with include and exclude)",
        ),
        (
            {"filters": {"excludes": []}},
            'filters.excludes: is not a field here (did you mean "exclude"?)',
        ),
        ({"filters": {"exclude": "*.tmp"}}, "filters.exclude: must be a list, not text"),
        (
            {"filters": {"exclude": ["a", "!"]}},
            'filters.exclude[1]: "!" matches nothing: no name follows (expected: patterns as in',
        ),
        ({"delete": "mirror"}, 'delete: "mirror" is not allowed (expected: "keep" or "propagate")'),
        (
            {"after_transfer": "move"},
            'after_transfer: "move" is not allowed (expected: "keep", "delete" or {"move": ',
        ),
        ({"after_transfer": {"move": "a", "b": 1}}, "after_transfer: is not one of these"),
        ({"after_transfer": {"move": "../a"}}, 'after_transfer: ".." is not allowed'),
        (
            {"after_transfer": {"move": "/tmp/"}},
            "after_transfer: the folder to move to is the source folder itself",
        ),
        ({"after_transfer": {"move": ".cargo_sync/x"}}, "after_transfer: .cargo_sync is reserved"),
        (
            {"after_transfer": {"move": "/a"}, "sync_mode": "download"},
            "after_transfer: the folder is on the server: ",
        ),
        (
            {"after_transfer": "delete", "delete": "propagate"},
            'after_transfer: "delete" cannot be used together with ',
        ),
        (
            {"after_transfer": "delete", "sync_mode": "bi"},
            'after_transfer: "delete" cannot be used in a job of both directions: a file that ',
        ),
        (
            {"after_transfer": {"move": "a"}, "delete": "propagate"},
            'after_transfer: "move" cannot be used together with ',
        ),
        (
            {"conflicts": "local"},
            "conflicts: has no meaning in one direction: the source wins; leave it out",
        ),
        (
            {"conflicts": "both"},
            'conflicts: "both" is not allowed (expected: "keep_both", "local", "remote", ',
        ),
        ({"xattrs": 1}, "xattrs: must be true or false"),
        ({"trash_days": True}, "trash_days: must be a number, not true or false"),
        ({"events": []}, "events: must be an object, not a list"),
        (
            {"events": {"onStart": {"method": "POST", "url": "https://a"}}},
            "events.onStart.body: is missing: POST needs",
        ),
        (
            {"username": "${NOBODY}"},
            "username: the environment variable NOBODY is not set (set NOBODY before starting)",
        ),
        (
            {"username": "${no body}"},
            "username: ${no body} is not the name of an environment variable (write $${ for ",
        ),
    ],
)
def test_one_wrong_field_is_one_line(tmp_path: Path, changes: dict[str, Any], line: str) -> None:
    (found,) = wrong(tmp_path, **changes)
    assert found.startswith(line)


def test_wrong_fields_do_not_hide_each_other(tmp_path: Path) -> None:
    found = wrong(
        tmp_path,
        sync_mode="x",
        speed="y",
        password=None,
        delete="propagate",
        after_transfer="delete",
        filters={"include": [1]},
        username="${GONE}",
    )
    assert sorted(line.split(":")[0] for line in found) == [
        "after_transfer",
        "filters.include[0]",
        "password",
        "speed",
        "sync_mode",
        "username",
    ]


def test_a_template_may_stand_in_a_body_only(tmp_path: Path) -> None:
    text = json.dumps(job()).replace('"nightly"', "{{ FILE_NAME }}")
    assert problems(load_job, write(tmp_path, text)) == [
        "sync_name: is a template without quotes; only the body of an event may have one "
        "(expected: the job's name, 1 to 100 characters)"
    ]


def test_problems_name_their_lines(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="nightly") as caught:
        load_job(write(tmp_path, job(sync_mode="nightly")), {})
    assert str(caught.value) == (
        f'{tmp_path}/file.json:3: sync_mode: "nightly" is not allowed (expected: "upload", '
        f'"download" or "bidirectional")'
    )


@pytest.mark.parametrize(
    ("url", "allow", "loads"),
    [
        ("http://127.0.0.1:80", False, True),
        ("http://localhost", False, True),
        ("http://[::1]", False, True),
        ("http://files.example.org", True, True),
        ("http://files.example.org", False, False),
    ],
)
def test_plain_http_is_for_loopback_unless_told(
    tmp_path: Path, url: str, allow: bool, loads: bool
) -> None:
    changes = {"hostname": url, "allow_plain": allow}
    if loads:
        assert load(tmp_path, **changes).url.startswith("http://")
    else:
        assert len(wrong(tmp_path, **changes)) == 1


@pytest.mark.parametrize(
    ("times", "window"),
    [
        ({}, None),
        ({"start_time": "10:00pm", "end_time": "12:00am"}, Window(1320, 1440)),
        ({"start_time": "10:00pm"}, Window(1320, 1440)),
        ({"end_time": "6:00am"}, Window(0, 360)),
    ],
)
def test_windows(tmp_path: Path, times: dict[str, str], window: Window | None) -> None:
    assert load(tmp_path, **times).window == window


@pytest.mark.parametrize(
    ("guard", "settings"),
    [
        (False, None),
        ({}, GuardSettings()),
        ({"share": 0.1, "at_least": 100}, GuardSettings(0.1, 100)),
        ({"window": "90min"}, GuardSettings(window=5_400.0)),
        ({"window": "12h"}, GuardSettings(window=43_200.0)),
        ({"window": "7d"}, GuardSettings(window=604_800.0)),
    ],
)
def test_the_guard(tmp_path: Path, guard: Any, settings: GuardSettings | None) -> None:
    assert load(tmp_path, guard=guard).guard == settings


def test_a_timetable_of_speeds(tmp_path: Path) -> None:
    rows = [
        {"from": "8:00am", "to": "18:00", "speed": "10mbps"},
        {"from": "18:00", "to": "12:00am", "speed": "1mbps"},
    ]
    job = load(tmp_path, speed=rows, priority=90)
    assert (job.speed, job.priority) == (None, 90)
    assert job.timetable == (
        TimetableRow(Window(480, 1080), 10_000_000),
        TimetableRow(Window(1080, 1440), 1_000_000),
    )
    [line] = wrong(tmp_path, speed=[rows[0], rows[1] | {"from": "10:00"}])
    assert (
        line == "speed[1]: 10:00 to 00:00 overlaps with 08:00 to 18:00; only one speed is possible"
    )
    assert load(tmp_path, speed=None).speed is None


def test_where_sources_are_moved(tmp_path: Path) -> None:
    root = tmp_path / "out"
    root.mkdir()
    moved = {
        folder: load(tmp_path, local_dir="out", after_transfer={"move": folder})
        for folder in ("sent", str(root / "sent"), str(tmp_path / "archive"))
    }
    assert [(job.move_to, job.exclude[len(DEFAULT_EXCLUDE) :]) for job in moved.values()] == [
        ("sent", ("/sent/",)),
        ("sent", ("/sent/",)),
        (str(tmp_path / "archive"), ()),
    ]


def test_sources_stay_on_their_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        after_transfer, "_device", lambda path: 1 if path.startswith(str(tmp_path)) else 2
    )
    (line,) = wrong(tmp_path, local_dir=str(tmp_path), after_transfer={"move": "/elsewhere"})
    assert line.startswith(f"after_transfer: /elsewhere is on another file system than {tmp_path}")


def test_a_password_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary-file\nsecond line\n")
    secret.chmod(0o600)
    settings = load(tmp_path, password=None, password_file="secret")
    assert (settings.password, settings.warnings) == (Secret("canary-file"), ())
    assert wrong(tmp_path, password_file="secret") == [
        "password: cannot be used together with password_file; keep one of them"
    ]
    secret.write_text("\n")
    assert wrong(tmp_path, password=None, password_file="secret")[0].startswith(
        f"password_file: the first line of {secret} is empty"
    )
    secret.write_bytes(b"\xff\xfe")
    assert (
        "is not a text file in UTF-8" in wrong(tmp_path, password=None, password_file="secret")[0]
    )


@pytest.mark.skipif(os.name == "nt", reason="mode bits say nothing there")
def test_a_password_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("canary-file")
    secret.chmod(0o640)
    settings = load(tmp_path, password=None, password_file="secret")
    assert settings.warnings == (
        f"{secret} contains a password or key and others can read it (mode 0640); run: chmod "
        f"600 {secret}",
    )
    path = write(tmp_path, job())
    os.chmod(path, 0o644)
    assert load_job(path, {}).warnings == (
        f"{path} contains a password or key and others can read it (mode 0644); run: chmod 600 "
        f"{path}",
    )
    path = write(tmp_path, job(password="${P}"))
    os.chmod(path, 0o644)
    assert load_job(path, {"P": "canary"}).warnings == ()


def test_a_secret_that_the_libraries_of_standard_webhooks_cannot_use_is_warned_of(
    tmp_path: Path,
) -> None:
    def event(secret: str) -> dict[str, str]:
        return {"method": "GET", "url": "http://a/", "secret": secret}

    events = {"onIdle": event("whsec_Y2FuYXJ5"), "onHeld": event("canary"), "onStart": event("x")}
    path = write(tmp_path, job(events=events))
    Path(path).chmod(0o600)
    [warning] = load_job(path, {}).warnings
    assert warning.startswith("the secret of onHeld, onStart does not begin with whsec_: ")
    assert "canary" not in warning


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="pipe: is not a regular file"):
        load_job(str(pipe), {})
    assert still_valid(str(pipe), {}) == StillValid()
    [line] = wrong(tmp_path, password=None, password_file=str(pipe))
    assert line.startswith(f"password_file: {pipe} is not a regular file")


def test_of_very_many_problems_the_first_ones_are_told(tmp_path: Path) -> None:
    lines = wrong(tmp_path, filters={"exclude": ["["] * 500})
    assert len(lines) == 101
    assert lines[-1] == ": and 400 more problems"


@pytest.mark.parametrize(
    ("said", "mode"), [("up", "upload"), ("down", "download"), ("bi", "bidirectional")]
)
def test_a_mode_has_a_short_form(tmp_path: Path, said: str, mode: str) -> None:
    assert load_job(write(tmp_path, job(sync_mode=said)), {}).mode == mode


@pytest.mark.parametrize(
    ("settings", "delete"),
    [
        ({"sync_mode": "upload"}, "keep"),
        ({"sync_mode": "bidirectional"}, "propagate"),
        ({"sync_mode": "bidirectional", "delete": "keep"}, "keep"),
    ],
)
def test_both_sides_of_a_two_way_job_follow_each_other_in_deletions_too(
    tmp_path: Path, settings: dict[str, Any], delete: str
) -> None:
    assert load_job(write(tmp_path, job(**settings)), {}).delete == delete


def test_extended_attributes_are_for_systems_that_have_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "listxattr", lambda _: [], raising=False)
    assert load(tmp_path, xattrs=True).xattrs and not load(tmp_path).xattrs
    monkeypatch.delattr(os, "listxattr")
    [line] = wrong(tmp_path, xattrs=True)
    assert "xattrs: works on Linux only" in line and not load(tmp_path, xattrs=False).xattrs
