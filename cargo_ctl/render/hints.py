"""Messages and hints of a process name the commands and arguments of the protocol, in backticks.

Here they become those of the program in front of the person.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from cargo_sync.api import daemon_commands, server_commands
from cargo_sync.api.session_commands import OPEN

_QUOTED = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)`")
_SHELL: Mapping[str, str] = MappingProxyType(
    {
        "job.list": "jobs",
        "job.plan": "plan",
        "job.sync": "sync",
        "session.cancel": "cancel",
        "session.show": "transfers",
        "session.speed": "speed",
        "session.use": "use",
    }
)
"""Commands of the interactive client."""


def typed(text: str, *, server: bool) -> str:
    """`text` with `user.list` written as `cargo_ctl user list`.

    With `server`, commands that daemons also know get `--server`.
    """
    return _QUOTED.sub(lambda found: _command(found[1], server) or found[0], text)


def in_the_shell(text: str) -> str:
    """`text` with the commands of the interactive client, and the options that start it."""

    def words(found: re.Match[str]) -> str:
        word = found[1]
        if word in OPEN.args:
            return f"--{word.replace('_', '-')}"
        if word in _SHELL:
            return f"`{_SHELL[word]}`"
        return _command(word, server=False) or found[0]

    return _QUOTED.sub(words, text)


def _command(cmd: str, server: bool) -> str:
    """The command of `cargo_ctl`, in backticks; "" if the protocol has no such command."""
    of_daemon, of_server = cmd in daemon_commands.COMMANDS, cmd in server_commands.COMMANDS
    if cmd == "hello":  # it lists the commands of the protocol
        return "`cargo_ctl --help`"
    if cmd == "feed.last" or cmd.startswith("session.") or not (of_daemon or of_server):
        return ""
    which = " --server" if server and of_daemon and of_server else ""
    return f"`cargo_ctl {cmd.replace('.', ' ')}{which}`"
