"""A line carried out, with everything that can go wrong told: the part that terminal and script
share."""

from cargo_ctl.reach import BAD_INPUT, FAILED
from cargo_ctl.shell.parser import LineError
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_ctl.shell.table import run
from cargo_sync.api.client import CommandError
from cargo_sync.api.messages import ReplyCode


def carried_out(shell: Shell, line: str) -> int:
    """Carry out a line; 0, 1 if it failed, 2 if it made no sense. Raises NotRunning,
    KeyboardInterrupt."""
    try:
        run(shell, line)
    except LineError as error:
        shell.output.fail(str(error), code=ReplyCode.BAD_ARGUMENT)
        return BAD_INPUT
    except CommandFailed as error:
        if error.message:
            shell.output.fail(error.message, error.hint, error.code)
        return FAILED
    except CommandError as error:
        shell.output.fail(error.message, error.hint, error.code)
        return FAILED
    return 0
