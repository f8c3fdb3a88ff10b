"""The client without a terminal: commands from standard input, plain output; the first failure ends
it."""

from collections.abc import Iterable

from cargo_ctl.reach import FAILED
from cargo_ctl.shell.carrying import carried_out
from cargo_ctl.shell.moving import tell_ended
from cargo_ctl.shell.state import Shell


def run_script(shell: Shell, lines: Iterable[str], keep_going: bool) -> int:
    """Carry out `lines`; the exit code: that of the first line that failed, or 0.

    What goes on beside the script is waited for at its end.
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
