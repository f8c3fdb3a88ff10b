"""Where commands show what they did: a terminal, or anything else."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import click

from cargo_ctl.reach import as_line
from cargo_ctl.render.words import escaped
from cargo_sync.api.messages import JsonObject

if TYPE_CHECKING:
    from rich.live import Live

    from cargo_ctl.session.transfers import TransferRow

Draw = Callable[[Sequence["TransferRow"], int], None]
"""Shows the transfers that run, and how many others wait."""


class Output(Protocol):
    """columns: the terminal's width in cells, 0 where there is none."""

    @property
    def columns(self) -> int: ...

    def show(self, result: JsonObject, text: str) -> None:
        """A command's result, and what it is in words."""

    def note(self, text: str) -> None:
        """Something to know that is no result."""

    def fail(self, message: str, hint: str = "", code: str = "failed") -> None:
        """What went wrong."""

    def choose(self, question: str, choices: str) -> str | None:
        """One of the letters of `choices`; None where there is nobody to ask."""

    def bars(self) -> AbstractContextManager[Draw]:
        """A place for moving pictures while transfers run."""


def plain_error(message: str, hint: str = "") -> str:
    """An error in words that can do nothing to a terminal."""
    text = f"{message} ({hint})" if hint else message
    return "\n".join(escaped(line) for line in text.splitlines())


class PlainOutput:
    """Results on standard output, everything else on standard error; with `as_json` results are
    JSON."""

    columns = 0

    def __init__(self, as_json: bool = False) -> None:
        self._as_json = as_json

    def show(self, result: JsonObject, text: str) -> None:
        if self._as_json or text:
            click.echo(as_line(result) if self._as_json else text)

    def note(self, text: str) -> None:
        if not self._as_json:
            click.echo(text, err=True)

    def fail(self, message: str, hint: str = "", code: str = "failed") -> None:
        if self._as_json:
            click.echo(as_line({"error": {"code": code, "message": message, "hint": hint}}))
        else:
            click.echo(plain_error(message, hint), err=True)

    def choose(self, question: str, choices: str) -> str | None:
        return None

    @contextlib.contextmanager
    def bars(self) -> Iterator[Draw]:
        yield lambda _running, _waiting: None


class TerminalOutput:
    """Colours, bars, questions."""

    def __init__(self) -> None:
        self._live: Live | None = None

    @property
    def columns(self) -> int:
        import shutil

        return shutil.get_terminal_size().columns

    def show(self, result: JsonObject, text: str) -> None:
        if text:
            self._say(text)

    def note(self, text: str) -> None:
        self._say(text, dim=True)

    def fail(self, message: str, hint: str = "", code: str = "failed") -> None:
        self._say(plain_error(message, hint), fg="red")

    def choose(self, question: str, choices: str) -> str | None:
        while True:
            try:
                answer = input(question).strip().lower()[:1]
            except EOFError:
                click.echo()
                return None
            if answer and answer in choices:
                return answer

    @contextlib.contextmanager
    def bars(self) -> Iterator[Draw]:
        from rich.console import Console
        from rich.live import Live

        from cargo_ctl.render.session import picture

        with Live(console=Console(file=sys.stdout), auto_refresh=False, transient=True) as live:
            self._live = live
            try:
                yield lambda running, waiting: live.update(
                    picture([row.told for row in running], waiting), refresh=True
                )
            finally:
                self._live = None

    def _say(self, text: str, **style: Any) -> None:
        if self._live is None:
            click.secho(text, **style)
            return
        # While bars stand there, only who draws them can write above them.
        from rich.text import Text

        self._live.console.print(Text.from_ansi(click.style(text, **style)), soft_wrap=True)
