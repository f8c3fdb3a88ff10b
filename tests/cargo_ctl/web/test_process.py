"""`cargo_ctl web` as a process: its link, its end, and a second one."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cargo_ctl.main import cargo_ctl
from cargo_ctl.web.link_file import LinkFile
from tests.cargo_ctl.web.house import daemon_answers
from tests.control.canned import PATIENCE, canned


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*options: str) -> Iterator[subprocess.Popen[str]]:
    program = "from cargo_ctl.main import main; main()"
    command = [sys.executable, "-c", program, "web", "--no-open", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def sent(address: str, path: str, body: object = None, bearer: str = "") -> Any:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    raw = None
    if body is not None:
        raw = json.dumps(body).encode()
        headers |= {"Content-Type": "application/json", "Origin": address}
    request = urllib.request.Request(address + path, raw, headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.loads(response.read())


def test_the_link_a_command_a_second_one_and_the_end(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with canned(runtime, daemon_answers()), running("--listen", f"127.0.0.1:{port}") as process:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        page, _, key = link.partition("#key=")
        assert page == f"{address}/"
        assert LinkFile(os.environ, port).read() == link
        session = sent(address, "/api/enter", {"key": key})
        assert session["role"] == "control"
        body = {"source": "daemon", "cmd": "job.list"}
        found = sent(address, "/api/command", body, session["bearer"])
        assert found["result"]["jobs"][0]["name"] == "a"
        next_link = LinkFile(os.environ, port).read()
        assert next_link.startswith(f"{address}/#key=")
        assert next_link != link
        second = CliRunner().invoke(cargo_ctl, ["web", "--listen", f"127.0.0.1:{port}"])
        assert (second.exit_code, second.stdout.strip()) == (0, next_link)
        assert "already runs" in second.stderr
        with pytest.raises(urllib.error.HTTPError):
            sent(address, "/api/enter", {"key": key})
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        assert key not in err + out
        assert session["bearer"] not in err + out
    assert LinkFile(os.environ, port).read() == ""
