"""Our programs, as the demo runs them: each in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import click

from cargo_sync.demo.home import Home

START: Final = 60.0
END: Final = 6.0
TAIL: Final = 30
CARGO_SYNC: Final = (sys.executable, "-m", "cargo_sync.main")
CARGO_CTL: Final = os.path.join(os.path.dirname(sys.executable), "cargo_ctl")
"""By its path: a terminal may not have it on its PATH."""


class DemoError(Exception):
    """The demo failed; the text says why."""


class Program:
    """One of our programs: started by its command, ended by its id; on failure its log is shown."""

    def __init__(self, name: str, place: str, env: Mapping[str, str], *arguments: str) -> None:
        """Starts `cargo_sync` with these arguments; its log is NAME.log in `place`."""
        self.name = name
        self.is_killed = False
        self._log_path = os.path.join(place, f"{name}.log")
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(
                [*CARGO_SYNC, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )

    @classmethod
    def of(cls, name: str, home: Home) -> "Program":
        """The `server` or the `daemon`, with its file."""
        settings = home.path(f"{name}.json")
        return cls(name, home.place, home.environment(), name, "--config", settings)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            self.show_log()
        self._process.terminate()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """Ends it by SIGKILL: it can bring nothing in order."""
        self.is_killed = True
        self._process.kill()
        self._process.wait()

    def check(self) -> None:
        """Checks that it still runs.

        Raises:
            DemoError: it has ended, and was not killed.
        """
        code = self._process.poll()
        if code is not None and not self.is_killed:
            raise DemoError(f"the {self.name} ended with exit code {code}")

    def show_log(self) -> None:
        with open(self._log_path, encoding="utf-8", errors="backslashreplace") as log:
            lines = log.readlines()[-TAIL:]
        click.echo(f"--- the last lines of the {self.name}'s log ---", err=True)
        click.echo("".join(lines), err=True, nl=False)


def wait_for(program: Program, answers: Callable[[], object]) -> None:
    """Waits until a program that was started answers. Raises DemoError."""
    until = time.monotonic() + START
    while not answers():
        program.check()
        if time.monotonic() > until:
            raise DemoError(f"the {program.name} does not answer after {START:.0f} s")
        time.sleep(0.02)


def answer_of(command: Sequence[str], env: Mapping[str, str], given: str = "") -> str:
    """Runs a program to its end; what it printed.

    Raises:
        DemoError: it failed.
    """
    done = subprocess.run(
        command, env=env, input=given, capture_output=True, text=True, timeout=START, check=False
    )
    if done.returncode:
        raise DemoError(f"{' '.join(command[:4])} failed: {done.stderr.strip()}")
    return done.stdout.strip()
