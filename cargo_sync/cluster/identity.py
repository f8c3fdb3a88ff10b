"""What a server is called, and by which id the others know it.

The id is in a file in the state folder, so it stays when the server starts again.
"""

import os
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from cargo_sync.model.problems import Code, Problem, ProblemError

ID_FILE: Final = "server.id"
_ID: Final = re.compile("[0-9a-f]{32}")


class ServerIdentity(NamedTuple):
    """One start of one server.

    life     marks this start
    started  unix seconds
    """

    id: str
    name: str
    life: str
    version: str
    started: float


def server_id(state_dir: str, token: Callable[[], str]) -> str:
    """The id of the server with this state folder; made at the first call.

    Args:
        state_dir: the folder.
        token: makes 32 hex digits that nobody has yet.

    Raises:
        ProblemError: it cannot be read or written.
    """
    path = os.path.join(state_dir, ID_FILE)
    try:
        os.makedirs(state_dir, mode=0o700, exist_ok=True)
        with open(path, "a+", encoding="ascii") as file:
            file.seek(0)
            found = file.read(100).strip()
            if _ID.fullmatch(found):
                return found
            file.truncate(0)
            file.write(made := token())
            file.flush()
            os.fsync(file.fileno())
            return made
    except (OSError, UnicodeDecodeError) as error:
        message = f"the id of this server cannot be kept in {path!r}: {error}"
        raise ProblemError(Problem(Code.STATE_ERROR, message, retry=False)) from error
