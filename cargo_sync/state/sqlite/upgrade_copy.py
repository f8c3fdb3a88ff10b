"""A copy of the state from before an upgrade, for going back to an older release."""

import errno
import os
import sqlite3
from contextlib import suppress
from glob import escape, glob

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.sqlite.migrations import SqliteStatements


def keep_copy(connection: SqliteStatements, path: str, version: int) -> str:
    """Copies the open database at `path` to `<path>.v<version>`, complete and durable.

    Earlier copies are deleted once this one is there. `VACUUM INTO` also copies what is only in
    the log (-wal), which a copy of the file would not.

    Returns:
        The path of the copy.

    Raises:
        ProblemError: `disk_full`, or why it cannot be written; the state is unchanged.
    """
    kept, unfinished = f"{path}.v{version}", f"{path}.copy"
    try:
        with suppress(FileNotFoundError):
            os.unlink(unfinished)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection.execute("VACUUM INTO ?", (unfinished,))
        _sync(unfinished)
        os.replace(unfinished, kept)
        _sync(os.path.dirname(os.path.abspath(path)))
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            os.unlink(unfinished)
        raise ProblemError(_problem(path, error)) from error
    for former in glob(f"{escape(path)}.v[0-9]*"):
        if former != kept:
            with suppress(OSError):
                os.unlink(former)
    return kept


def _problem(path: str, error: OSError | sqlite3.Error) -> Problem:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    code = getattr(error, "sqlite_errorcode", None) or 0
    if full or code & 0xFF == sqlite3.SQLITE_FULL:
        message = f"{path!r} was not upgraded: there is no room for a copy of it"
        return Problem(
            Code.DISK_FULL, message, hint="free as much space as the file uses, then start again"
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    message = f"{path!r} was not upgraded: no copy of it could be made ({reason})"
    return Problem(
        Code.STATE_ERROR, message, hint="nothing was changed: the earlier release can still open it"
    )


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
