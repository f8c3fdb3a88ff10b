"""Programs that begin as forks: as if they had been started."""

import os
import signal
import sys
from pathlib import Path

from tests.e2e.beginning import called, finished
from tests.e2e.processes import PATIENCE, Place


def test_what_they_are_told_and_say(place: Place, tmp_path: Path) -> None:
    environment = place.environment() | {"CARGO_TEST": "own"}
    for module in ("cargo_sync.main", "cargo_ctl.main", "cargo_ctl.client.main"):
        done = finished([sys.executable, "-c", called(module), "--version"], environment, PATIENCE)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout.endswith(" 0.1.0\n")
    wrong = finished([sys.executable, "-m", "cargo_sync.main", "no-such"], environment, PATIENCE)
    assert wrong.returncode == 2 and "no-such" in wrong.stderr
    (tmp_path / "bad.json").write_text("{")
    job = [sys.executable, "-m", "cargo_sync.main", "daemon", "--job", "bad.json"]
    bad = finished(job, environment, PATIENCE, folder=tmp_path)
    assert bad.returncode == 2 and "bad.json" in bad.stderr
    other = finished(["/bin/sh", "-c", "cat; exit 3"], environment, PATIENCE, "typed")
    assert (other.returncode, other.stdout) == (3, "typed"), "this one is really started"


def test_they_end_as_processes_do(place: Place) -> None:
    place.start("daemon")
    told = Path(f"/proc/{place.pid('daemon')}/cwd").resolve()
    assert told == Path.cwd() and not place.has_ended("daemon")
    assert len(os.listdir(f"/proc/{place.pid('daemon')}/fd")) < 64, "it has what is its own"
    os.kill(place.pid("daemon"), signal.SIGKILL)
    assert place.ended("daemon") == -signal.SIGKILL
