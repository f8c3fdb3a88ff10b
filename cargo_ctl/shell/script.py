"""The client without a terminal: commands from standard input; it ends at the first failure."""

from collections.abc import Iterable

from cargo_ctl.reach import FAILED
from cargo_ctl.shell.carrying import carried_out
from cargo_ctl.shell.moving import tell_ended
from cargo_ctl.shell.state import Shell


def run_script(shell: Shell, lines: Iterable[str], keep_going: bool) -> int:
    """Run `lines`; the exit code is that of the first line that failed, or 0.

    At the end it waits for the transfers in the background.
    """
    worst = 0
    for line in lines:
        code = carried_out(shell, line)
        worst = worst or code
        if shell.ended or (code and not keep_going):
            break
    while shell.beside:
        shell.transfers.listen(0.1)
        if tell_ended(shell):
            worst = worst or FAILED
    return worst
