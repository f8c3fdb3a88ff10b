"""What a command of the interactive client is: its name, what it takes, what it does, who does
it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from cargo_ctl.shell.parser import Options
from cargo_ctl.shell.state import Shell


class Completes(Enum):
    """What the words after a command are, for completion."""

    NOTHING = "nothing"
    VERB = "verb"
    REMOTE = "remote"
    REMOTE_FOLDER = "remote folder"
    LOCAL = "local"
    LOCAL_FOLDER = "local folder"
    JOB = "job"
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class Given:
    """The words of one command, options apart; `beside` if it is to go on beside the prompt."""

    options: Options
    beside: bool = False

    def flag(self, letter: str) -> bool:
        return letter in self.options.flags


@dataclass(frozen=True, slots=True)
class ShellVerb:
    """One command.

    name      with its `!` if it is of the local side
    argument  what it takes, as the help shows it
    least, most  how many words it takes; None for any number
    flags     options without a word, by letter, with what they do
    valued    options that take a word, by letter, with the word's name and what they do
    can_wait  ` &` may stand behind it
    """

    name: str
    argument: str
    does: str
    run: Callable[[Shell, Given], None]
    least: int = 0
    most: int | None = 0
    flags: tuple[tuple[str, str], ...] = ()
    valued: tuple[tuple[str, str, str], ...] = ()
    examples: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    completes: Completes = Completes.NOTHING
    can_wait: bool = False
