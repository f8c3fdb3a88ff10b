"""Fixtures for the tests of `cargo_ctl`."""

import faulthandler
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.cargo_ctl.session.far import PASSWORD

LONGEST = 300
"""Seconds that a test may take, also on a busy machine: a watch that never ends is a failure."""


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    def over(_number: int, _frame: FrameType | None) -> None:
        faulthandler.dump_traceback(2)  # of all threads, to the real stderr
        pytest.fail(f"it did not end within {LONGEST} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(LONGEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def runtime(own_runtime: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The runtime folder of the front ends; it also has this user's keys."""
    os.mkdir(own_runtime, 0o700)
    monkeypatch.setenv("XDG_CONFIG_HOME", own_runtime)
    for variable in ("CARGO_CONTROL", "CARGO_KEY"):
        monkeypatch.delenv(variable, raising=False)
    return own_runtime


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, with a home beside it; its file `secret` has the password."""
    home, folder = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    folder.mkdir()
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(folder)
    secret = home / "secret"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    return folder


@pytest.fixture
def greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's zone is UTC."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()
