"""Hints: they name commands of the protocol; here they become commands of `cargo_ctl`."""

import re

from cargo_sync.api import daemon_commands, server_commands

_COMMAND = re.compile(r"`([a-z]+(?:\.[a-z]+)?)`")


def typed(hint: str, *, server: bool) -> str:
    """`hint` with `user.list` written as `cargo_ctl user list`.

    With `server`, commands that daemons also know get `--server`.
    """

    def words(match: re.Match[str]) -> str:
        cmd = match[1]
        of_daemon, of_server = cmd in daemon_commands.COMMANDS, cmd in server_commands.COMMANDS
        if cmd == "hello":  # it lists the commands of the protocol
            return "`cargo_ctl --help`"
        if not (of_daemon or of_server):
            return match[0]
        which = " --server" if server and of_daemon and of_server else ""
        return f"`cargo_ctl {cmd.replace('.', ' ')}{which}`"

    return _COMMAND.sub(words, hint)
