"""One call to S3 as values, and its signature: what goes over the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from cargo_sync.model.problems import bad_request
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.content import S3Content
from cargo_sync.wire.sigv4 import (
    AccessKey,
    SigningKey,
    authorization,
    encoded_path,
    encoded_query,
    signing_key,
)

NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
"""Of the XML that is sent."""
METADATA: Final = "x-amz-meta-"
LONGEST_KEY: Final = 1024
"""Bytes of an object's key in UTF-8."""
PATIENCE: Final = 60.0
"""Seconds without a byte that end the wait for an answer."""
LONG_WORK: Final = 600.0
"""The same for what a server copies or puts together: some say nothing until it is done."""

Query = Sequence[tuple[str, str]]
NO_HEADERS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class S3Request:
    """One call.

    what        what it does, for people: "'a/b' could not be read"
    key         of the object; "" for the bucket
    content     what is sent; None for nothing
    patience    seconds without a byte of the answer
    idempotent  it may be sent again although it is not known whether it was done
    absent      it is made only if nothing is there: its refusal means that something is
    """

    method: str
    what: str
    key: str = ""
    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: S3Content | None = None
    patience: float = PATIENCE
    idempotent: bool = True
    absent: bool = False


class Signer:
    """Signs requests for one bucket; keeps the key of the day."""

    def __init__(self, address: S3Address) -> None:
        self._address = address
        self._known: tuple[AccessKey, str, SigningKey] | None = None

    def signed(
        self, request: S3Request, access_key: AccessKey, now: float, payload: str
    ) -> tuple[str, dict[str, str]]:
        """The path and the query, encoded as they are sent, and all headers.

        Args:
            request: the call.
            access_key: who signs.
            now: unix seconds.
            payload: as for `authorization`.
        """
        time = datetime.fromtimestamp(int(now), UTC).strftime("%Y%m%dT%H%M%SZ")
        path, query = encoded_path(self._address.path(request.key)), encoded_query(request.query)
        headers = {
            "Host": self._address.host,
            **request.headers,
            "x-amz-date": time,
            "x-amz-content-sha256": payload,
        }
        if request.content is not None:
            headers["Content-Type"] = "application/octet-stream"
        if access_key.token:
            headers["x-amz-security-token"] = access_key.token
        key = self._key(access_key, time[:8])
        headers["Authorization"] = authorization(
            key, time, request.method, path, query, headers, payload
        )
        return f"{path}{'?' if query else ''}{query}", headers

    def _key(self, access_key: AccessKey, day: str) -> SigningKey:
        if self._known is None or self._known[:2] != (access_key, day):
            key = signing_key(access_key, day, self._address.region)
            self._known = (access_key, day, key)
        return self._known[2]


def checked_key(key: str) -> str:
    """The same key.

    Raises:
        ProblemError: `bad_request`: no object can have it.
    """
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise bad_request(f"{key!r} cannot be a key: it is not UTF-8") from None
    if not 0 < size <= LONGEST_KEY or "\0" in key:
        raise bad_request(f"{key[:80]!r} cannot be a key: 1 to 1,024 bytes, without NUL")
    return key


def range_header(start: int, end: int | None) -> Mapping[str, str]:
    """The header that asks for the bytes from `start` up to, not including, `end`."""
    if start == 0 and end is None:
        return NO_HEADERS
    return {"Range": f"bytes={start}-{'' if end is None else end - 1}"}


def metadata_headers(metadata: Mapping[str, str]) -> Mapping[str, str]:
    """The headers of an object's metadata: names in lower case, values in ASCII.

    Raises:
        ProblemError: `bad_request`: a header cannot hold it.
    """
    for name, value in metadata.items():
        plain = value.isascii() and value.isprintable() and value == value.strip()
        if not plain or not name.isascii() or not name.replace("-", "").isalnum():
            raise bad_request(f"the metadata {name!r} cannot be kept: it is not plain ASCII")
    return {f"{METADATA}{name.lower()}": value for name, value in metadata.items()}


def if_match_header(etag: str, *, quoted: bool = True) -> Mapping[str, str]:
    """The condition that the object still has this ETag, which is kept without quotes.

    Raises:
        ProblemError: `bad_request`: it is no ETag.
    """
    if not etag.isascii() or not etag.isprintable() or '"' in etag:
        raise bad_request(f"{etag[:80]!r} is not an ETag")
    return {"If-Match": f'"{etag}"' if quoted else etag}


def copy_source(bucket: str, key: str) -> str:
    """The header that names what is copied."""
    return quote(f"/{bucket}/{key}", safe="/~")


def bare_etag(text: str) -> str:
    """An ETag as it is compared: without `W/` and quotes."""
    return text.removeprefix("W/").strip('"')
