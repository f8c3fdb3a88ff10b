"""AWS Signature Version 4 in a request's headers, as S3 wants it.

The source is "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)" in
the Amazon S3 API Reference. S3 differs from AWS's other services: each byte of a key is encoded
once, and a path is never normalised, because `a//b`, `a/./b` and `a/../b` are keys of their own.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from urllib.parse import quote

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
"""In place of the payload's SHA-256, where TLS protects the payload already."""
EMPTY: Final = sha256(b"").hexdigest()
"""The SHA-256 of no payload."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SERVICE: Final = "s3"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """Who signs: the id of a key and its secret; a temporary key has a `token` too, others ""."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key for the requests of one day in one region.

    access_key_id  the id of the access key that it comes from
    scope          day, region and service
    """

    access_key_id: str
    scope: str
    key: bytes = field(repr=False)


def signing_key(access_key: AccessKey, day: str, region: str) -> SigningKey:
    """The signing key of a `day` (YYYYMMDD, UTC) and a region."""
    key = f"AWS4{access_key.secret}".encode()
    for part in (day, region, _SERVICE, "aws4_request"):
        key = _hmac(key, part)
    return SigningKey(access_key.id, f"{day}/{region}/{_SERVICE}/aws4_request", key)


def encoded_path(path: str) -> str:
    """A path in a URL: each byte is encoded once, "/" stays, and nothing is normalised."""
    return quote(path, safe="/~")


def encoded_query(query: Sequence[tuple[str, str]]) -> str:
    """A query as it is signed and sent: sorted, each name with a "=" although it has no value."""
    pairs = [(quote(name, safe="~"), quote(value, safe="~")) for name, value in query]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def authorization(
    key: SigningKey,
    time: str,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    payload: str,
) -> str:
    """The Authorization header of a request.

    Args:
        key: made for the day of `time`.
        time: YYYYMMDD'T'HHMMSS'Z', which is also the header x-amz-date.
        method: GET, PUT, …
        path: from `encoded_path`.
        query: from `encoded_query`.
        headers: all that are signed: host, x-amz-date and every other x-amz-… at least. Names in
            any case.
        payload: the hex SHA-256 of the payload, or UNSIGNED.
    """
    lower = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    names = ";".join(name for name, _ in lower)
    lines = "".join(f"{name}:{value}\n" for name, value in lower)
    request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}"
    digest = sha256(request.encode()).hexdigest()
    signature = _hmac(key.key, f"{_ALGORITHM}\n{time}\n{key.scope}\n{digest}").hex()
    return (
        f"{_ALGORITHM} Credential={key.access_key_id}/{key.scope},"
        f"SignedHeaders={names},Signature={signature}"
    )


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
