"""What the codes and statuses of an S3 server's refusals mean: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cargo_sync.model.problems import Code


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a refusal means.

    words  for people
    again  another try after a moment may succeed
    """

    code: Code
    words: str
    hint: str = ""
    retry: bool = True
    again: bool = False


GONE: Final = Meaning(Code.VANISHED, "it is not there")
_KEYS: Final = "username is the id of the access key, password its secret"
_WRONG_KEY: Final = Meaning(
    Code.UNAUTHORIZED, "the server does not accept the access key", _KEYS, retry=False
)
DENIED: Final = Meaning(
    Code.REFUSED,
    "the access key may not do this",
    "ask the owner of the bucket for the right to do it",
    retry=False,
)
DENIED_OR_WRONG: Final = Meaning(
    Code.REFUSED,
    "the access key may not do this, or its secret is wrong",
    f"{_KEYS}; if both are right, ask the owner of the bucket for the right to do it",
    retry=False,
)
"""A refusal without a code, as each answer to a HEAD is one: rclone answers a wrong secret so."""
_BUSY: Final = Meaning(Code.BUSY, "the server has too much to do", again=True)
_BROKEN: Final = Meaning(Code.REFUSED, "the server has an error of its own", again=True)
UNSUPPORTED: Final = Meaning(Code.UNSUPPORTED, "the server does not do that", retry=False)
CHANGED: Final = Meaning(Code.CHANGED, "it has changed since it was last checked")
REGION: Final = Meaning(
    Code.BAD_SETTINGS, "the bucket is in another region", "set region in the job", retry=False
)
LATE: Final = Meaning(
    Code.REFUSED, "the clocks of both sides differ", "set this machine's clock, best by NTP"
)
_BAD_KEY: Final = Meaning(
    Code.BAD_PATH, "the server cannot have an object of this name", retry=False
)
_FULL: Final = Meaning(Code.OVER_QUOTA, "the server has no room for it")
_DAMAGED: Final = Meaning(Code.CORRUPT, "what arrived is not what was sent")
_PARTS: Final = Meaning(Code.INCOMPLETE, "the server does not have all of its parts")

BY_CODE: Final[Mapping[str, Meaning]] = {
    "NoSuchKey": GONE,
    "NoSuchVersion": GONE,
    "NoSuchUpload": Meaning(Code.VANISHED, "the server does not know this upload any more"),
    "NoSuchBucket": Meaning(
        Code.ROOT_GONE, "there is no such bucket", "check the name of the bucket", retry=False
    ),
    "AccessDenied": DENIED,
    "AllAccessDisabled": DENIED,
    "AccountProblem": DENIED,
    "InvalidAccessKeyId": _WRONG_KEY,
    "SignatureDoesNotMatch": _WRONG_KEY,
    "ExpiredToken": _WRONG_KEY,
    "InvalidToken": _WRONG_KEY,
    "PreconditionFailed": CHANGED,
    "ConditionalRequestConflict": CHANGED,
    "OperationAborted": _BUSY,
    "NotImplemented": UNSUPPORTED,
    "InvalidRange": Meaning(Code.BAD_RANGE, "the range is beyond its end"),
    "EntityTooLarge": Meaning(Code.TOO_LARGE, "it is too large for the server", retry=False),
    "BadDigest": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "IncompleteBody": Meaning(Code.CUT, "the server did not get all of it", again=True),
    "RequestTimeout": Meaning(Code.CUT, "the server did not get all of it", again=True),
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
    "RequestTimeTooSkewed": LATE,
    "AuthorizationHeaderMalformed": REGION,
    "PermanentRedirect": REGION,
    "TemporaryRedirect": REGION,
    "IllegalLocationConstraintException": REGION,
    "InvalidBucketName": Meaning(
        Code.BAD_SETTINGS, "the bucket has a wrong name", "check hostname in the job", retry=False
    ),
    "InvalidObjectState": Meaning(
        Code.UNREADABLE, "it is in an archive", "restore it there first", retry=False
    ),
}
BY_STATUS: Final[Mapping[int, Meaning]] = {
    301: REGION,
    307: REGION,
    308: REGION,
    401: _WRONG_KEY,
    403: DENIED_OR_WRONG,
    404: GONE,
    405: UNSUPPORTED,
    408: Meaning(Code.CUT, "the server did not get all of it", again=True),
    409: _BUSY,
    412: CHANGED,
    413: Meaning(Code.TOO_LARGE, "it is too large for the server", retry=False),
    416: Meaning(Code.BAD_RANGE, "the range is beyond its end"),
    429: _BUSY,
    500: _BROKEN,
    501: UNSUPPORTED,
    502: _BUSY,
    503: _BUSY,
    504: _BUSY,
    507: _FULL,
}
OTHER: Final = Meaning(Code.REFUSED, "the server refuses it", retry=False)
