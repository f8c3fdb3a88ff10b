"""What failed at S3, as one exception: the server's own refusals, and those of the connection."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.http_problems import connection_problem
from cargo_sync.s3.meanings import (
    BY_CODE,
    BY_STATUS,
    CHANGED,
    DENIED_OR_WRONG,
    GONE,
    LATE,
    OTHER,
    REGION,
    UNSUPPORTED,
    Meaning,
)

SKEW: Final = 900.0
"""Seconds that the two clocks may differ: more makes each signature invalid."""
_NO_TLS: Final = "should the address begin with s3+http:// instead of s3+https://?"
_WORDS: Final = 300
"""Characters that are shown of a server's own words."""


class S3Error(ProblemError):
    """A call failed.

    server_code  the server's word for it, such as NoSuchKey; "" if it said none
    status       of the HTTP answer; 0 if there was none
    request_id   by which those who run the server find it; "" if there was none
    again        another try after a moment may succeed
    undone       the call has certainly changed nothing
    wait         seconds that the server wants to be left alone; 0 if it did not say
    """

    def __init__(
        self,
        problem: Problem,
        *,
        server_code: str = "",
        status: int = 0,
        request_id: str = "",
        again: bool = False,
        undone: bool = False,
        wait: float = 0.0,
    ) -> None:
        super().__init__(problem)
        self.server_code = server_code
        self.status = status
        self.request_id = request_id
        self.again = again
        self.undone = undone
        self.wait = wait


@dataclass(frozen=True, slots=True)
class S3Refusal:
    """An answer that is not a success.

    fields   of the answer's XML, by name; empty if it has none
    asked    when the request was signed, unix seconds
    absent   the call was made on condition that nothing is there
    """

    what: str
    where: str
    status: int
    headers: Mapping[str, str]
    fields: Mapping[str, str]
    asked: float
    absent: bool = False


_NOT_BEGUN: Final = 503


def refused(refusal: S3Refusal) -> S3Error:
    """The error of an answer that is not a success."""
    code = refusal.fields.get("Code", "")[:64]
    meaning = BY_CODE.get(code) or BY_STATUS.get(refusal.status, OTHER)
    words, hint = meaning.words, meaning.hint
    if meaning is CHANGED and refusal.absent:
        meaning = Meaning(Code.OCCUPIED, "something is there already")
        words = meaning.words
    elif meaning is REGION and (region := _region(refusal)):
        hint = f'set "region": "{region}" in the job'
    elif clocks := _clocks(refusal, certain=meaning is LATE):
        meaning, words, hint = LATE, clocks, LATE.hint
    elif meaning is OTHER or (not code and meaning in (DENIED_OR_WRONG, UNSUPPORTED)):
        said = _plain(refusal.fields.get("Message", "")) or code
        words = f"{words} ({refusal.status}{': ' if said else ''}{said})"
    problem = Problem(
        meaning.code, f"{refusal.what}: {words} ({refusal.where})", hint=hint, retry=meaning.retry
    )
    return S3Error(
        problem,
        server_code=code,
        status=refusal.status,
        request_id=_plain(refusal.headers.get("x-amz-request-id", ""))[:128],
        again=meaning.again,
        undone=refusal.status == _NOT_BEGUN or 400 <= refusal.status < 500,
        wait=_seconds(refusal.headers.get("Retry-After", "")),
    )


def bad_answer(what: str, why: str) -> S3Error:
    """The error of an answer that no S3 server would send."""
    return S3Error(
        Problem(
            Code.BAD_ANSWER,
            f"{what}: the server's answer is not valid: {why}",
            hint="check the address: something else than S3 may answer there",
        )
    )


def asked_anew(error: S3Error) -> S3Error:
    """The error of a server that does not do what it was found to do: it is asked again."""
    hint = "what the server can do is asked anew before the next try"
    return S3Error(
        replace(error.problem, hint=hint, retry=True),
        server_code=error.server_code,
        status=error.status,
        request_id=error.request_id,
        undone=True,
    )


def changed(what: str) -> S3Error:
    """The error of an object that is not the one that was asked for."""
    return S3Error(Problem(CHANGED.code, f"{what}: {CHANGED.words}"), undone=True)


def vanished(key: str) -> S3Error:
    """The error of an object that is not there."""
    return S3Error(Problem(GONE.code, f"{key!r} is not there"), status=404, undone=True)


def unsupported(what: str, why: str) -> S3Error:
    """The error of a call that this server does not know."""
    return S3Error(Problem(Code.UNSUPPORTED, f"{what}: {why}", retry=False))


@contextmanager
def translated(what: str, where: str) -> Iterator[None]:
    """Turns exceptions of the connection to `where` into S3Error, and those of unreadable XML."""
    try:
        yield
    except S3Error:
        raise
    except ProblemError as error:
        if error.problem.code != Code.BAD_ANSWER:
            raise
        raise S3Error(error.problem) from error
    except (aiohttp.ClientError, OSError, UnicodeError) as error:
        raise _connection(error, what, where) from error


def _connection(
    error: aiohttp.ClientError | OSError | UnicodeError, what: str, where: str
) -> S3Error:
    if isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientConnectorError):
        return S3Error(Problem(Code.TIMEOUT, f"{what}: {where} does not answer"), again=True)
    problem = connection_problem(error, where, _NO_TLS)
    match problem.code:
        case Code.CUT:
            return S3Error(replace(problem, message=f"{what}: {problem.message}"), again=True)
        case Code.UNREACHABLE:
            return S3Error(problem, again=True, undone=True)
    return S3Error(problem, undone=True)


def _region(refusal: S3Refusal) -> str:
    """The region that the server names, or ""."""
    named = refusal.headers.get("x-amz-bucket-region") or refusal.fields.get("Region", "")
    return named if named.replace("-", "").isalnum() and len(named) < 64 else ""


def _clocks(refusal: S3Refusal, *, certain: bool) -> str:
    """Both times, if they differ so much that this alone would be a reason; else ""."""
    if not certain and refusal.status != 403:
        return ""
    theirs = _time(refusal.fields.get("ServerTime", "")) or _time(refusal.headers.get("Date", ""))
    ours = datetime.fromtimestamp(int(refusal.asked), theirs.tzinfo) if theirs else None
    if theirs is None or ours is None:
        return LATE.words if certain else ""
    if not certain and abs(theirs.timestamp() - refusal.asked) < SKEW:
        return ""
    shown = "%Y-%m-%d %H:%M:%S UTC"
    return f"here it is {ours.strftime(shown)}, on the server {theirs.strftime(shown)}"


def _time(text: str) -> datetime | None:
    """A time in UTC, from an HTTP header or from XML; None if it is neither."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _seconds(text: str) -> float:
    """The seconds of a Retry-After header; 0 for a date, which few send."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _plain(text: str) -> str:
    """A server's own words on one line, cut."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _WORDS else f"{text[: _WORDS - 1]}…"
