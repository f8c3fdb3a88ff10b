"""What failed at S3, as one exception: the server's own refusals, and those of the connection."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from cargo_sync.model.problems import (
    Code,
    Problem,
    ProblemError,
    lacks_descriptors,
    no_descriptors,
)

SKEW: Final = 900.0
"""Seconds that the two clocks may differ: more makes each signature invalid."""
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


@dataclass(frozen=True, slots=True)
class _Meaning:
    code: Code
    words: str
    hint: str = ""
    retry: bool = True
    again: bool = False


_GONE: Final = _Meaning(Code.VANISHED, "it is not there")
_KEYS: Final = "username is the id of the access key, password its secret"
_WRONG_KEY: Final = _Meaning(
    Code.UNAUTHORIZED, "the server does not accept the access key", _KEYS, retry=False
)
_DENIED: Final = _Meaning(
    Code.REFUSED,
    "the access key may not do this",
    "ask the owner of the bucket for the right to do it",
    retry=False,
)
_BUSY: Final = _Meaning(Code.BUSY, "the server has too much to do", again=True)
_BROKEN: Final = _Meaning(Code.REFUSED, "the server has an error of its own", again=True)
_UNSUPPORTED: Final = _Meaning(Code.UNSUPPORTED, "the server does not do that", retry=False)
_CHANGED: Final = _Meaning(Code.CHANGED, "it has changed since it was last checked")
_REGION: Final = _Meaning(
    Code.BAD_SETTINGS, "the bucket is in another region", "set region in the job", retry=False
)
_LATE: Final = _Meaning(
    Code.REFUSED, "the clocks of both sides differ", "set this machine's clock, best by NTP"
)
_BAD_KEY: Final = _Meaning(
    Code.BAD_PATH, "the server cannot have an object of this name", retry=False
)
_FULL: Final = _Meaning(Code.OVER_QUOTA, "the server has no room for it")
_DAMAGED: Final = _Meaning(Code.CORRUPT, "what arrived is not what was sent")
_PARTS: Final = _Meaning(Code.INCOMPLETE, "the server does not have all of its parts")

_BY_CODE: Final[Mapping[str, _Meaning]] = {
    "NoSuchKey": _GONE,
    "NoSuchVersion": _GONE,
    "NoSuchUpload": _Meaning(Code.VANISHED, "the server does not know this upload any more"),
    "NoSuchBucket": _Meaning(
        Code.ROOT_GONE, "there is no such bucket", "check the name of the bucket", retry=False
    ),
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "AccountProblem": _DENIED,
    "InvalidAccessKeyId": _WRONG_KEY,
    "SignatureDoesNotMatch": _WRONG_KEY,
    "ExpiredToken": _WRONG_KEY,
    "InvalidToken": _WRONG_KEY,
    "PreconditionFailed": _CHANGED,
    "ConditionalRequestConflict": _CHANGED,
    "OperationAborted": _BUSY,
    "NotImplemented": _UNSUPPORTED,
    "InvalidRange": _Meaning(Code.BAD_RANGE, "the range is beyond its end"),
    "EntityTooLarge": _Meaning(Code.TOO_LARGE, "it is too large for the server", retry=False),
    "BadDigest": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "IncompleteBody": _Meaning(Code.CUT, "the server did not get all of it", again=True),
    "RequestTimeout": _Meaning(Code.CUT, "the server did not get all of it", again=True),
    "InvalidPart": _PARTS,
    "InvalidPartOrder": _PARTS,
    "KeyTooLongError": _BAD_KEY,
    "InvalidObjectName": _BAD_KEY,
    "XMinioInvalidObjectName": _BAD_KEY,
    "InvalidURI": _BAD_KEY,
    "QuotaExceeded": _FULL,
    "XMinioStorageFull": _FULL,
    "SlowDown": _BUSY,
    "SlowDownRead": _BUSY,
    "SlowDownWrite": _BUSY,
    "ServiceUnavailable": _BUSY,
    "Throttling": _BUSY,
    "ThrottlingException": _BUSY,
    "RequestLimitExceeded": _BUSY,
    "TooManyRequests": _BUSY,
    "InternalError": _BROKEN,
    "RequestTimeTooSkewed": _LATE,
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "TemporaryRedirect": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "InvalidBucketName": _Meaning(
        Code.BAD_SETTINGS, "the bucket has a wrong name", "check hostname in the job", retry=False
    ),
    "InvalidObjectState": _Meaning(
        Code.UNREADABLE, "it is in an archive", "restore it there first", retry=False
    ),
}
_BY_STATUS: Final[Mapping[int, _Meaning]] = {
    301: _REGION,
    307: _REGION,
    308: _REGION,
    401: _WRONG_KEY,
    403: _DENIED,
    404: _GONE,
    405: _UNSUPPORTED,
    408: _Meaning(Code.CUT, "the server did not get all of it", again=True),
    409: _BUSY,
    412: _CHANGED,
    413: _Meaning(Code.TOO_LARGE, "it is too large for the server", retry=False),
    416: _Meaning(Code.BAD_RANGE, "the range is beyond its end"),
    429: _BUSY,
    500: _BROKEN,
    501: _UNSUPPORTED,
    502: _BUSY,
    503: _BUSY,
    504: _BUSY,
    507: _FULL,
}
_OTHER: Final = _Meaning(Code.REFUSED, "the server refuses it", retry=False)
_NOT_BEGUN: Final = 503


def refused(refusal: S3Refusal) -> S3Error:
    """The error of an answer that is not a success."""
    code = refusal.fields.get("Code", "")[:64]
    meaning = _BY_CODE.get(code) or _BY_STATUS.get(refusal.status, _OTHER)
    words, hint = meaning.words, meaning.hint
    if meaning is _CHANGED and refusal.absent:
        meaning = _Meaning(Code.OCCUPIED, "something is there already")
        words = meaning.words
    elif meaning is _REGION and (region := _region(refusal)):
        hint = f'set "region": "{region}" in the job'
    elif clocks := _clocks(refusal, certain=meaning is _LATE):
        meaning, words, hint = _LATE, clocks, _LATE.hint
    elif meaning is _OTHER or (not code and meaning in (_DENIED, _UNSUPPORTED)):
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


def changed(what: str) -> S3Error:
    """The error of an object that is not the one that was asked for."""
    return S3Error(Problem(_CHANGED.code, f"{what}: {_CHANGED.words}"), undone=True)


def vanished(key: str) -> S3Error:
    """The error of an object that is not there."""
    return S3Error(Problem(_GONE.code, f"{key!r} is not there"), status=404, undone=True)


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


def _connection(error: Exception, what: str, where: str) -> S3Error:
    match error:
        case aiohttp.ServerFingerprintMismatch():
            return S3Error(
                Problem(
                    Code.CERTIFICATE,
                    f"{where} shows another certificate than the trusted one: "
                    f"sha256:{error.got.hex()}",
                    hint="if this is the server's new certificate, set tls_fingerprint in the job "
                    "to it",
                    retry=False,
                ),
                undone=True,
            )
        case aiohttp.ClientConnectorCertificateError():
            return S3Error(
                Problem(
                    Code.CERTIFICATE,
                    f"the certificate of {where} is not trusted",
                    hint="set ca_file in the job to its CA, or tls_fingerprint",
                    retry=False,
                ),
                undone=True,
            )
        case aiohttp.ClientConnectorDNSError() | UnicodeError():
            problem = Problem(
                Code.UNKNOWN_HOST, f"there is no host {where}", hint="check hostname in the job"
            )
            return S3Error(problem, undone=True)
        case aiohttp.ClientSSLError():
            problem = Problem(
                Code.TLS,
                f"{where} does not use TLS",
                hint="should the address begin with s3+http:// instead of s3+https://?",
            )
            return S3Error(problem, undone=True)
        case aiohttp.ClientConnectorError() if lacks_descriptors(error.os_error):
            return S3Error(no_descriptors(f"a connection to {where}"), undone=True)
        case aiohttp.ClientConnectorError():
            number = error.os_error.errno
            reason = os.strerror(number).lower() if number else "no answer"
            problem = Problem(Code.UNREACHABLE, f"{where} cannot be reached: {reason}")
            return S3Error(problem, again=True, undone=True)
        case TimeoutError():
            problem = Problem(Code.TIMEOUT, f"{what}: {where} does not answer")
            return S3Error(problem, again=True)
        case _:
            problem = Problem(Code.CUT, f"{what}: the connection to {where} was cut")
            return S3Error(problem, again=True)


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
        return _LATE.words if certain else ""
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
