"""pydio-sync at work: its command line, its orders and channels by nothing but pyzmq, its job
files."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.e2e import processes
from tests.e2e.processes import PASSWORD, PATIENCE, USER, Place
from tests.ports import free_port

NAME = "default PydioFolder"
CHANNELS = (
    "status/",
    "progress/",
    "job/default%20PydioFolder/status",
    "job/default%20PydioFolder/progress",
    "transfer/",
    "notice/default%20PydioFolder/",
)
"""The page's five; the progress of one task is its own and that of its files."""
PAGE = Path(__file__).parents[2] / "docs/coming-from.md"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with processes.place(tmp_path) as one:
        yield one


class Interface:
    """A front end of pydio-sync: a REQ socket, and a SUB socket on the next port."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", port: int) -> None:
        self._orders = context.socket(zmq.REQ)
        self._feed = context.socket(zmq.SUB)
        for used, number in ((self._orders, port), (self._feed, port + 1)):
            used.setsockopt(zmq.RCVTIMEO, int(PATIENCE * 1000))
            used.setsockopt(zmq.LINGER, 0)
            used.connect(f"tcp://127.0.0.1:{number}")

    def order(self, text: str) -> str:
        self._orders.send_string(text)
        return self._orders.recv_string()

    def jobs(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.order("LIST-JOBS"))
        return rows

    def subscribe(self, channel: str) -> None:
        self._feed.subscribe(channel)

    def until_all(self, channels: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Subscribes, and hears until each channel has spoken; its last message each."""
        heard: dict[str, dict[str, Any]] = {}
        for channel in channels:
            self._feed.subscribe(channel)
        while len(heard) < len(channels):
            topic, message = self._feed.recv_multipart()
            for channel in channels:
                if topic.decode().startswith(channel):
                    heard[channel] = json.loads(message)
        return heard


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def interface(port: int) -> Iterator[Interface]:
    with zmq.Context() as context:
        yield Interface(context, port)
        context.destroy(linger=0)


@pytest.fixture
def local(place: Place) -> Path:
    folder = place.folder / "PydioFolder"
    folder.mkdir()
    return folder


def begin(place: Place, port: int, *more: str) -> int:
    """The command as its page has it, with the password among its arguments; its process id."""
    place.start("server")
    return place.begin(
        "pydio",
        "-s",
        f"http://127.0.0.1:{place.api}",
        "-d",
        str(place.folder / "PydioFolder"),
        "-w",
        "default",
        "-u",
        USER,
        "-p",
        PASSWORD,
        "-dir",
        "up",
        "-z",
        str(port),
        *more,
    )


def test_orders_and_channels(place: Place, port: int, interface: Interface, local: Path) -> None:
    settings = {"sleep": 0.2, "settle": 0, "filters": {"excludes": ["*.old"]}}
    # Slow enough to be still on its way when every channel has spoken, however busy the machine is.
    file = place.write("JSONconfigFile.json", settings | {"speed": "100kbps"})
    (local / "film.bin").write_bytes(bytes(range(256)) * 10_000)
    begin(place, port, "-f", file)

    *others, notices = CHANNELS
    assert interface.until_all(tuple(others))["transfer/"]["path"] == "film.bin"
    interface.subscribe(notices)
    place.write("JSONconfigFile.json", settings)
    assert interface.order(f"RELOAD {NAME}") == "RELOADED"
    assert interface.until_all((notices,))[notices]["paths"] == ["film.bin"]
    assert (place.files / "film.bin").read_bytes() == (local / "film.bin").read_bytes()

    assert [(job["name"], job["mode"]) for job in interface.jobs()] == [(NAME, "upload")]
    assert interface.order("PAUSE") == "PAUSED"
    assert interface.jobs()[0]["state"] == "paused"
    assert interface.order(f"START {NAME}") == "RUNNING"
    assert interface.jobs()[0]["state"] != "paused"
    assert interface.order(f"PAUSE {NAME}") == "PAUSED"
    assert interface.order("START") == "RUNNING"
    assert interface.order("PAUSE nobody").startswith('ERROR: there is no job "nobody"')

    (local / "a.old").write_bytes(b"a")
    place.write("JSONconfigFile.json", settings | {"filters": {}})
    assert interface.order(f"RELOAD {NAME}") == "RELOADED"
    place.until(lambda: (place.files / "a.old").exists(), "what is excluded no more is sent")
    place.write("JSONconfigFile.json", settings | {"filters": 7})
    refused = interface.order(f"RELOAD {NAME}")
    assert refused.startswith(f"ERROR: {file}:1: filters: must be an object")
    place.write("JSONconfigFile.json", settings | {"label": "Films"})
    assert interface.order("RELOAD") == "RELOADED"
    assert [(job["name"], job["mode"]) for job in interface.jobs()] == [("Films", "upload")]
    assert place.stop("pydio") == 0


def test_the_script_of_the_page_and_the_password_that_nobody_sees(
    place: Place, port: int, interface: Interface, local: Path, tmp_path: Path
) -> None:
    (local / "a.txt").write_bytes(b"one")
    pid = begin(place, port)
    place.until(lambda: (place.files / "a.txt").exists(), "the file arrives")
    [script] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    path = tmp_path / "script.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, str(path), str(port), "PAUSE", "LIST-JOBS", "RELOAD", f"START {NAME}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    *lines, status = done.stdout.splitlines()
    assert lines == [
        "PAUSE -> PAUSED", f"LIST-JOBS -> {NAME} is paused", "RELOAD -> RELOADED",
        f"START {NAME} -> RUNNING",
    ]  # fmt: skip
    assert status.startswith("status/ ")

    log = (place.folder / "pydio.log").read_text()
    assert log.count("a password on the command line can be seen") == 1
    assert PASSWORD not in log
    if sys.platform == "linux":
        for name in ("cmdline", "environ"):
            assert PASSWORD.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
        assert b"-dir\0up\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert place.stop("pydio") == 0


def test_a_job_file_in_its_fields_among_a_daemons_jobs(place: Place, local: Path) -> None:
    (local / "sub").mkdir()
    (local / "sub/a.txt").write_bytes(b"one")
    (local / "b.bak").write_bytes(b"two")
    (place.files / "remote").mkdir()
    place.write("jobs/theirs.json", {
        "server": f"http://127.0.0.1:{place.api}", "workspace": "default", "directory": str(local),
        "remote_folder": "/remote", "user": USER, "password": PASSWORD, "direction": "up",
        "frequency": "auto", "solve": "both", "timeout": 20, "poolsize": 4,
        "filters": {"includes": ["*"], "excludes": ["*.bak"]},
    })  # fmt: skip
    place.start("server")
    place.start("daemon")
    place.until_state(NAME, "synced")
    assert processes.tree(place.files / "remote") == {"sub/a.txt": b"one"}
    assert "warning" not in (place.folder / "daemon.log").read_text().lower()
