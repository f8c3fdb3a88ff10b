"""Questions at a terminal. Each belongs to an option; what the option says is not asked."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import click

from cargo_sync.choice import OneOf
from cargo_sync.config.secret import read_first_line

_LONGEST: Final = 4096

Check = Callable[[str], str]
"""Returns an answer in its usual form. Raises ValueError."""


class InitError(Exception):
    """Nothing was written; the text says why, and what to do.

    again  another answer to the same question may help
    """

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


@dataclass(frozen=True, slots=True)
class Questions:
    """Asks a person, or nobody.

    quiet  nothing is asked: the defaults hold, and what has none must be given as an option
    """

    quiet: bool = False

    def ask(
        self,
        option: str,
        question: str,
        check: Check,
        *,
        given: str | None = None,
        default: str | None = None,
    ) -> str:
        """One answer, checked.

        Args:
            option: that answers the question.
            question: for a person.
            check: of the answer; a person is asked again after an error.
            given: what the option says, or None.
            default: the answer of a person who only presses Enter.

        Raises:
            click.BadParameter: what was given is wrong.
            click.UsageError: nothing was given, and nobody can be asked.
            click.Abort: the person gave up.
        """
        if given is None and self.quiet:
            given = default
        if given is not None:
            try:
                return check(given)
            except ValueError as error:
                raise click.BadParameter(str(error), param_hint=option) from None
        self._may_ask(option)
        asked = click.prompt(question, default=default, value_proc=checked(check))
        return str(asked)

    def choose(
        self,
        option: str,
        question: str,
        words: Sequence[str],
        *,
        given: str | None = None,
        default: str | None = None,
    ) -> str:
        """One of some words. Raises as `ask`."""

        def known(text: str) -> str:
            if text not in words:
                raise ValueError(f"{text!r} is not one of {', '.join(words)}")
            return text

        if given is not None or self.quiet:
            return self.ask(option, question, known, given=given, default=default)
        return str(click.prompt(question, type=OneOf(words), default=default))

    def secret(self, option: str, question: str) -> str:
        """An answer that is not shown. Raises as `ask`."""
        self._may_ask(option)
        return str(click.prompt(question, hide_input=True))

    def agree(self, question: str, *, default: bool) -> bool:
        """Whether the person agrees; without questions the `default`."""
        return default if self.quiet else click.confirm(question, default=default)

    def _may_ask(self, option: str) -> None:
        if self.quiet:
            raise click.UsageError(f"give {option}: with --yes nothing is asked")


def first_line(file: str) -> str:
    """The first line of a file with an invitation, or of standard input for "-".

    Raises:
        click.UsageError: it cannot be read.
    """
    try:
        line = sys.stdin.readline(_LONGEST) if file == "-" else read_first_line(file).reveal()
    except ValueError as error:
        raise click.UsageError(f"--invite-file: {error}") from None
    return line.strip()


def checked(check: Check) -> Check:
    """The check in the form that click needs: click asks again after an error."""

    def proc(text: str) -> str:
        try:
            return check(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    return proc
