"""Runs one line and shows its errors; terminal and script share it."""

from cargo_ctl.reach import BAD_INPUT, FAILED
from cargo_ctl.shell.parser import LineError
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_ctl.shell.table import run
from cargo_sync.api.client import CommandError
from cargo_sync.api.messages import ReplyCode


def carried_out(shell: Shell, line: str) -> int:
    """Run a line; 0, or 1 if it failed, or 2 if it is not a valid command.

    Raises NotRunning and KeyboardInterrupt.
    """
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
