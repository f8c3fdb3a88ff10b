"""Where callbacks may go."""

from ipaddress import ip_address
from pathlib import Path

from cargo_sync.config.callbacks import ANYWHERE, CallbackLimits
from cargo_sync.config.check import check
from cargo_sync.config.daemon import load_daemon
from cargo_sync.daemon.jobs.loading import JobFiles
from tests.config.samples import NOW, job, problems, write

WARNING = (
    "is refused: the daemon's file does not allow callbacks to api.example.org (callbacks.hosts)"
)


def limits(folder: Path, callbacks: object) -> CallbackLimits:
    return load_daemon(
        write(folder, {"callbacks": callbacks}, "daemon.json"), {"HOME": "/"}
    ).callbacks


def test_hosts(tmp_path: Path) -> None:
    some = limits(
        tmp_path, {"hosts": ["API.example.org.", "*.Hooks.example.org", "10.0.0.1"], "at_once": 3}
    )
    hosts = ["api.example.org", "API.EXAMPLE.ORG.", "a.hooks.example.org", "a.b.hooks.example.org",
             "10.0.0.1", "hooks.example.org", "evilhooks.example.org", "x.api.example.org",
             "10.0.0.11",
             ""]  # fmt: skip
    assert [some.names(host) for host in hosts] == [True] * 5 + [False] * 5
    assert some.at_once == 3
    assert not limits(tmp_path, {"hosts": []}).names("api.example.org")
    assert limits(tmp_path, {}) == ANYWHERE and ANYWHERE.names("anything") and ANYWHERE.at_once == 8


def test_networks(tmp_path: Path) -> None:
    some = limits(tmp_path, {"networks": ["10.0.0.0/8", "fd00::/8", "192.0.2.7"]})
    held = [
        "10.1.2.3",
        "fd12::1",
        "192.0.2.7",
        "::ffff:10.0.0.1",
        "192.0.2.8",
        "::ffff:11.0.0.1",
        "fe80::1%3",
    ]
    assert [some.holds(ip_address(one)) for one in held] == [True] * 4 + [False] * 3
    assert ANYWHERE.holds(ip_address("127.0.0.1"))


def test_what_is_wrong(tmp_path: Path) -> None:
    content = {
        "callbacks": {
            "hosts": ["https://a", "a b"],
            "networks": ["10.0.0.1/8", "x"],
            "at_once": 0,
            "host": 1,
        },
    }
    names = 'expected: names such as "api.example.org" or "*.example.org"'
    networks = 'expected: networks such as "10.0.0.0/8"'
    assert problems(load_daemon, write(tmp_path, content), HOME="/") == [
        f'callbacks.hosts[0]: "https://a" is not a host ({names})',
        f'callbacks.hosts[1]: "a b" is not a host ({names})',
        f'callbacks.networks[0]: "10.0.0.1/8" is not a network ({networks})',
        f'callbacks.networks[1]: "x" is not a network ({networks})',
        "callbacks.at_once: must be at least 1 (expected: a whole number from 1 to 64)",
        'callbacks.host: is not a field here (did you mean "hosts"?)',
    ]


def test_a_job_that_would_go_elsewhere_is_warned_of(tmp_path: Path) -> None:
    events = {"onIdle": {"method": "GET", "url": "https://api.example.org/x"}}
    file = write(tmp_path, job(events=events, local_dir=str(tmp_path)), "job.json")
    daemon = write(tmp_path, {"callbacks": {"hosts": ["other.example.org"]}}, "daemon.json")
    assert check([daemon, file], {"HOME": "/"}, NOW) == (
        [f"{daemon}: OK", f"{file}: OK", f"{file}: warning: onIdle {WARNING}"],
        0,
    )
    assert check([file], {"HOME": "/"}, NOW) == ([f"{file}: OK"], 0)
    [loaded] = JobFiles(lambda: [file], {}, limits(tmp_path, {"hosts": []})).read().jobs
    assert loaded.warnings == (f"onIdle {WARNING}",)


def test_a_file_with_keys_that_others_may_read_is_warned_of(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("x")
    secret.chmod(0o600)
    for fields in ({"secret": "canary"}, {"headers": {"X": "canary"}}, {"secret": "${KEY}"}):
        events = {"onIdle": {"method": "GET", "url": "https://a/"} | fields}
        content = job(
            events=events, password=None, password_file=str(secret), local_dir=str(tmp_path)
        )
        file = Path(write(tmp_path, content, "job.json"))
        file.chmod(0o644)
        lines, _ = check([str(file)], {"HOME": "/", "KEY": "canary"}, NOW)
        assert any("key and others can read it" in line for line in lines) == (
            "${KEY}" not in fields.values()
        )
        assert "canary" not in "".join(lines)
