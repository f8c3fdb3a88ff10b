"""The problem behind an error of PostgreSQL.

Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from typing import Final, NamedTuple

import psycopg
from psycopg import errors

from cargo_sync.model.problems import Code, Problem

_WAITS: Final = "it is tried again; see the database's own log if it lasts"
_LOGIN: Final = "check the address, the user and the password"


class _Kind(NamedTuple):
    """What errors of some classes mean. `words`: "{}" stands for PostgreSQL's own message."""

    classes: tuple[type[psycopg.Error], ...]
    code: Code
    words: str
    hint: str = ""
    retry: bool = True


_KINDS: Final = (
    _Kind(
        (errors.DiskFull,),
        Code.DISK_FULL,
        "could not be written: its disk is full",
        "free some space there; it continues by itself",
    ),
    _Kind(
        (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure),
        Code.STATE_LOCKED,
        "is busy: another server, or another program, has what is needed there",
        _WAITS,
    ),
    _Kind(
        (errors.ReadOnlySqlTransaction,),
        Code.READ_ONLY,
        "cannot be written: {}",
        "it is a copy that follows another database: give the address of that one",
    ),
    _Kind((errors.IoError,), Code.DISK_ERROR, "has an input/output error: {}"),
    _Kind(
        (errors.DataCorrupted, errors.IndexCorrupted),
        Code.STATE_DAMAGED,
        "is damaged: {}",
        "restore it from a backup",
        retry=False,
    ),
    _Kind(
        (
            errors.InvalidPassword,
            errors.InvalidAuthorizationSpecification,
            errors.InvalidCatalogName,
            errors.InsufficientPrivilege,
        ),
        Code.STATE_ERROR,
        "refused: {}",
        _LOGIN,
    ),
    _Kind(
        (errors.IntegrityError, errors.DataError, errors.ProgramLimitExceeded),
        Code.BAD_VALUE,
        "cannot keep a value: {}",
        retry=False,
    ),
    _Kind((psycopg.OperationalError,), Code.DATABASE_AWAY, "does not answer: {}", _WAITS),
)
"""The first one that fits."""


def in_use(name: str) -> Problem:
    """The problem that the database `name` is somebody's alone for now."""
    return Problem(
        Code.STATE_IN_USE,
        f"{name} is in use by a server, or by a command that needs it alone",
        hint="stop that one, or wait for its end",
        retry=False,
    )


def problem_of(error: psycopg.Error, name: str) -> Problem | None:
    """The problem behind an error; None for wrong use of the library, a bug of this program.

    Args:
        error: of psycopg.
        name: of the database, for the message, without a password.
    """
    said = " ".join((error.diag.message_primary or str(error)).split())
    for kind in _KINDS:
        if isinstance(error, kind.classes):
            message = f"{name} {kind.words.format(said)}"
            return Problem(kind.code, message, hint=kind.hint, retry=kind.retry)
    if isinstance(error, psycopg.ProgrammingError):
        return None
    return Problem(Code.STATE_ERROR, f"{name} failed: {said}")
