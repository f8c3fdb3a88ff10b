"""The client in a real terminal: keys go in, and the text that a person sees comes out."""

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pexpect

ROOT = Path(__file__).parents[3]
PROGRAMS = {
    "cargoclient": "cargo_ctl.client.main",
    "cargo_ctl": "cargo_ctl.main",
    "cargo_sync": "cargo_sync.main",
}
PATIENCE = 60.0
"""Seconds after which nothing more will come, also on a busy machine."""
_AGAIN = 0.2
_PATIENT = (
    "from cargo_ctl.shell import prompt; from prompt_toolkit.renderer import Renderer; "
    f"prompt._DEADLINE = Renderer.CPR_TIMEOUT = {PATIENCE}; "
)
"""The same patience for the program: for its completion, and for the answer about its cursor."""
_DRAWN = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]|\x1b\][^\x07]*\x07")
_WHERE = "\x1b[6n"
"""A program asks where the cursor is, and draws what is below it only after the answer."""
CTRL_C, CTRL_D, CTRL_L, TAB = "\x03", "\x04", "\x0c", "\t"


def _heeds_ctrl_c() -> None:
    """A shell gives background commands an ignored SIGINT, and every program inherits that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Screen:
    """A terminal of 100 × 40 with one program in it."""

    def __init__(self, program: str, args: Sequence[str]) -> None:
        code = f"{_PATIENT}from {PROGRAMS[program]} import main; main()"
        env = os.environ | {"TERM": "xterm", "PYTHONPATH": str(ROOT)}
        self._child = pexpect.spawn(
            sys.executable,
            ["-c", code, *args],
            env=env,
            dimensions=(40, 100),
            encoding="utf-8",
            timeout=PATIENCE,
            preexec_fn=_heeds_ctrl_c,
        )
        self._child.delaybeforesend = None
        self._child.delayafterclose = self._child.ptyproc.delayafterclose = 0.0
        self.seen = ""
        self._tail = ""

    def type(self, text: str) -> None:
        """Type a line, with Enter."""
        self._child.send(text + "\r")

    def press(self, keys: str) -> None:
        self._child.send(keys)

    def wait(self, text: str, *, anew: bool = False) -> str:
        """Wait until `text` appears after all that was waited for before; what came until then.

        anew  have the prompt draw all again meanwhile: it draws only what changed of a line
        """
        deadline = time.monotonic() + PATIENCE
        while (found := _plain(self.seen).find(text)) < 0:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} did not come, but {_plain(self.seen)!r}"
            try:
                self._read(min(left, _AGAIN) if anew else left)
            except pexpect.TIMEOUT:
                if anew:
                    self.press(CTRL_L)
            except pexpect.EOF as error:
                raise AssertionError(f"{text!r} did not come, but {_plain(self.seen)!r}") from error
        before = _plain(self.seen)[:found]
        self.seen = _plain(self.seen)[found + len(text) :]
        return before

    def interrupt(self, text: str) -> None:
        """Press Ctrl-C, and wait until `text` appears.

        Python forgets the signal if it comes between the last look at signals and the wait for a
        line (`input` is asked first, and then waits): then nothing happens, and a person presses
        again.
        """
        for patience in (PATIENCE / 6, PATIENCE):
            self.press(CTRL_C)
            with contextlib.suppress(pexpect.TIMEOUT):
                while text not in _plain(self.seen):
                    self._read(patience)
                break
        self.wait(text)

    def end(self) -> int:
        """Wait for the program's end; its exit code."""
        with contextlib.suppress(pexpect.EOF):
            while True:
                self._read(PATIENCE)
        self.seen = _plain(self.seen)
        self._child.wait()  # it has closed the terminal, but may not have ended yet
        self._child.close()
        code = self._child.exitstatus
        return code if code is not None else -(self._child.signalstatus or 0)

    def _read(self, patience: float) -> None:
        came: str = self._child.read_nonblocking(4096, patience)
        self.seen += came
        for _ in range((self._tail + came).count(_WHERE)):
            self._child.send("\x1b[1;1R")
        self._tail = (self._tail + came)[1 - len(_WHERE) :]  # a question may come in two parts

    def close(self) -> None:
        self._child.close(force=True)


@contextlib.contextmanager
def screen(program: str, *args: str) -> Iterator[Screen]:
    opened = Screen(program, args)
    try:
        yield opened
    finally:
        opened.close()


def _plain(text: str) -> str:
    # An incomplete sequence is left for the next time.
    return _DRAWN.sub("", text)
