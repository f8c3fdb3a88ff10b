"""What a command of the interactive client is: name, arguments, options, help, function."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from cargo_ctl.shell.parser import Options
from cargo_ctl.shell.state import Shell


class Completes(Enum):
    """What the words after a command mean, for completion."""

    NOTHING = "nothing"
    VERB = "verb"
    REMOTE = "remote"
    REMOTE_FOLDER = "remote folder"
    TRASH = "trash"
    LOCAL = "local"
    LOCAL_FOLDER = "local folder"
    JOB = "job"
    WORKSPACE = "workspace"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Given:
    """The options and words of one command; `beside` if it must run in the background."""

    options: Options
    beside: bool = False

    def flag(self, letter: str) -> bool:
        return letter in self.options.flags


@dataclass(frozen=True, slots=True)
class ShellVerb:
    """One command.

    name      with its `!` if it works on the local side
    argument  its arguments, as the help shows them
    least, most  how many words it takes; None for any number
    flags     options without a word: letter and help
    valued    options that take a word: letter, name of the word, help
    can_wait  whether it can run in the background, with ` &`
    raw       it reads its options itself, such as --user
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
    raw: bool = False
