"""Where commands show their results: a terminal, or anything else."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import click

from cargo_ctl.reach import as_line
from cargo_ctl.render.hints import in_the_shell
from cargo_ctl.render.words import escaped
from cargo_sync.api.messages import JsonObject

if TYPE_CHECKING:
    from rich.live import Live

    from cargo_ctl.session.transfers import TransferRow

Draw = Callable[[Sequence["TransferRow"], int], None]
"""Shows the running transfers, and how many others wait."""


class Output(Protocol):
    """Where results, notes and errors go. `columns`: the terminal's width; 0 if there is none."""

    @property
    def columns(self) -> int: ...

    def show(self, result: JsonObject, text: str) -> None:
        """Show the result of a command; `text` is the result in words."""

    def note(self, text: str) -> None:
        """Show something that is not a result."""

    def fail(self, message: str, hint: str = "", code: str = "failed") -> None:
        """Show an error."""

    def choose(self, question: str, choices: str) -> str | None:
        """One of the letters of `choices`; None if there is nobody to ask."""

    def bars(self) -> AbstractContextManager[Draw]:
        """A function that draws progress bars, until the end of the `with`."""


def plain_error(message: str, hint: str = "") -> str:
    """An error as text that is safe for a terminal, in the words of the interactive client."""
    text = in_the_shell(f"{message} ({hint})" if hint else message)
    return "\n".join(escaped(line) for line in text.splitlines())


class PlainOutput:
    """Results go to standard output, everything else to standard error.

    With `as_json`, results and errors are JSON on standard output, and there are no notes.
    """

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
    """A terminal: colours, bars, questions."""

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
                    picture([row.fields for row in running], waiting, live.console.width),
                    refresh=True,
                )
            finally:
                self._live = None

    def _say(self, text: str, **style: Any) -> None:
        if self._live is None:
            click.secho(text, **style)
            return
        # While bars are shown, only rich, which draws them, can write above them.
        from rich.text import Text

        self._live.console.print(Text.from_ansi(click.style(text, **style)), soft_wrap=True)
