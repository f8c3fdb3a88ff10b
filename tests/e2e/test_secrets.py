"""Secrets are canaries here: after a session in which much goes wrong they are searched for
everywhere."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import zmq

from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import CommandError
from tests.e2e.processes import Place, tree
from tests.ports import free_port

CANARY = "canary-"
LOOKED_FOR = (b"canary-", b"Bearer ", b"Basic ", b"Y2FuYXJ5")
"""Also as a header, and as base64 has them."""


@pytest.fixture
def heard(place: Place) -> Iterator[Callable[[], bytes]]:
    """Gives all that the daemon's feed said until now."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.subscribe("")
        socket.setsockopt(zmq.RCVHWM, 0)
        socket.connect(instance_addresses(str(place.runtime), "daemon").feed)

        def drain() -> bytes:
            found: list[bytes] = []
            while socket.poll(200):
                found += socket.recv_multipart()
            return b"".join(found)

        yield drain


def test_a_secret_is_nowhere(place: Place, heard: Callable[[], bytes]) -> None:
    place.is_forked = False
    ports = {"server": free_port(), "daemon": free_port()}
    for name, port in ports.items():
        file = place.folder / f"{name}.json"
        more = {
            "log": {"file": str(place.folder / f"{name}.lines.log"), "level": "debug"},
            "metrics": {"listen": f"127.0.0.1:{port}"},
        }
        place.write(f"{name}.json", json.loads(file.read_text()) | more)
    place.start("server")
    event = {
        "method": "POST", "url": "http://127.0.0.1:9/{{ SYNC_NAME }}?key=canary-url",
        "body": {"token": "canary-body", "file": "{{ FILE_NAME }}"},
        "headers": {"X-Key": "canary-header"}, "secret": "canary-signing",
    }  # fmt: skip
    local = place.job("right", events={"onFinish": event})
    (local / "a.txt").write_text("content")
    place.job("wrong", password="canary-wrong")
    secret = place.folder / "password"
    secret.write_text("canary-file")
    secret.chmod(0o600)
    place.job("filed", password=None, password_file=str(secret))
    place.job("elsewhere", hostname="http://127.0.0.1:9", password="canary-elsewhere")
    place.start("daemon")

    # A login that works, one that does not, and a server that is not there.
    place.until(lambda: tree(place.files) == {"a.txt": b"content"}, "the file arrives")
    place.until_state("wrong", "error")
    place.until_state("elsewhere", "error")
    place.until_state("filed", "error")
    with pytest.raises(CommandError) as login:
        place.call(
            "session.open", url="http://127.0.0.1:9", username="ana", password="canary-session"
        )
    told = [
        place.call("hello"),
        place.call("status"),
        place.call("job.list"),
        place.call("transfer.list"),
    ]
    told += [place.shown(job) for job in ("right", "wrong", "filed", "elsewhere")]

    # Files that are refused, with secrets in the right and in wrong places.
    bad: dict[str, dict[str, Any] | str] = {
        "typed": {"password": ["canary-list"]},
        "named": {"pasword": "canary-field", "password": None},
        "both": {"password": "canary-both", "password_file": {"canary": "canary-object"}},
        "cut": '{"sync_name": "cut", "password": "canary-cut',
        "twice": '{"password": "canary-twice", "password": "canary-again"}',
        "template": '{"password": {{ canary-template }}}',
    }
    for name, content in bad.items():
        if isinstance(content, str):
            (place.jobs / f"{name}.json").write_text(content)
        else:
            place.job(name, **content)
    told.append(place.call("reload"))
    assert len(told[-1]["errors"]) >= 6
    with pytest.raises(CommandError) as refused:
        place.call("job.reload")
    checked = place.run("cargo_sync", "check", str(place.jobs))
    assert checked.returncode == 2
    place.edit("wrong", sleep=1)

    told += [
        place.call("log"),
        {"check": [checked.stdout, checked.stderr], "refused": repr(refused.value)},
        {"login": repr(login.value)},
        place.call("history"),
        place.call("audit"),
        place.call("callback.list"),
    ]
    told.append({"ctl": place.run("cargo_ctl", "log", "-n", "1000", "--level", "debug").stdout})
    said = json.dumps(told).encode()
    scraped = b""

    def all_scraped() -> bool:
        nonlocal scraped
        scraped = b"".join(
            urlopen(f"http://127.0.0.1:{port}/metrics").read() for port in ports.values()
        )
        return b'cargo_daemon_jobs{state="error"} 9' in scraped  # each is tried now and then

    place.until(all_scraped, "all wrong jobs have failed")
    running = b"".join(
        Path(f"/proc/{process.pid}/cmdline").read_bytes() for process in place._running.values()
    )
    states = {
        name: b"".join(
            path.read_bytes() for path in (place.folder / name).iterdir() if path.is_file()
        )
        for name in ("daemon", "server")
    }
    assert (place.stop("daemon"), place.stop("server")) == (0, 0)
    feed = heard()
    logs = {path.name: path.read_bytes() for path in place.folder.glob("*.log")}

    # What is searched is what there was to be said.
    assert b'"job": "wrong"' in said and b"refused the login" in said and b"notice/wrong" in feed
    assert b'cargo_server_logins_total{result="failed"}' in scraped
    assert b'cargo_files_total{cargo_job="right",direction="upload"} 1' in scraped
    assert b'cargo_server_bytes_total{direction="upload"} 7' in scraped
    assert b'"level":"debug"' in logs["daemon.lines.log"]
    assert b'"level":"debug"' in logs["server.lines.log"]
    assert b"wrong password for ana" in logs["server.lines.log"]
    assert (
        b"daemon" in running and b"right" in states["daemon"] and b"$argon2id$" in states["server"]
    )
    places = {"replies": said, "metrics": scraped, "argv": running, "feed": feed} | logs
    places |= {f"state of the {name}": content for name, content in states.items()}
    found = [
        (name, secret)
        for name, content in places.items()
        for secret in LOOKED_FOR
        if secret in content
    ]
    assert found == []
