"""The fields of the API's bodies and queries; each says what it must be."""

import re
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
)

from cargo_sync.machines.client_fence import ClientProcess, JobClient
from cargo_sync.machines.own_changes import RANGES, VersionRange
from cargo_sync.model import paths
from cargo_sync.model.entries import EARLIEST, LATEST
from cargo_sync.model.problems import bad_request
from cargo_sync.model.xattrs import MOST, Xattrs, decoded
from cargo_sync.process.http.fields import LARGEST, as_whole, text, whole

# -- fields of bodies ------------------------------------------------------------------------------


def _changed(path: str, info: ValidationInfo) -> str:
    if path:
        return path
    raise bad_request(f'"{info.field_name}" is empty: the workspace itself cannot be changed')


def _attributes(given: Any) -> Xattrs | None:
    return None if given is None else decoded(given)


Path = Annotated[str, text(paths.PATH_BYTES), AfterValidator(paths.check)]
"""A path in a workspace, "" for the workspace itself."""
ChangedPath = Annotated[Path, AfterValidator(_changed)]
Whole = Annotated[int, whole(LARGEST)]
Time = Annotated[
    int | None,
    Field(
        ge=EARLIEST,
        le=LATEST,
        description=f"null, or nanoseconds since 1970 from {EARLIEST} to {LATEST}",
    ),
]
Speed = Annotated[
    int | None,
    Field(
        ge=1,
        le=LARGEST,
        description="a whole number of bits per second, 1 or more, or null for no limit",
    ),
]
Attributes = Annotated[
    Xattrs | None,
    BeforeValidator(_attributes),
    Field(
        description='null, or an object: names that begin with "user.", values in base64; '
        f"together at most {MOST:,} bytes"
    ),
]
"""The extended attributes of a file."""
Run = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}\z", description='1 to 64 letters, digits, "-" or "_"')
]
"""The id of the run that a change belongs to: its trash takes what is displaced."""
HTTP_RUN: Final = "http"
"""The run of requests without one."""


# -- fields of queries -----------------------------------------------------------------------------


def _seen(given: Any) -> int:
    return 0 if given == "-1" else as_whole(given)


def _some(count: int) -> int:
    return max(1, count)


After = Annotated[str, Field(description="a name")]
"""The last name of the previous page, "" for the first page."""


def _ranges(given: Any) -> tuple[VersionRange, ...]:
    """Reads `1-5,7-7`: ranges of versions, in order, that do not touch."""
    ranges = []
    for part in str(given).split(",") if given else ():
        first, dash, last = part.partition("-")
        ranges.append((as_whole(first), as_whole(last) if dash else -1))
    ends = [end for one in ranges for end in one]
    if len(ranges) > RANGES or ends != sorted(ends) or any(end > LARGEST for end in ends):
        raise ValueError("not ranges in order")
    return tuple(ranges)


Own = Annotated[
    tuple[VersionRange, ...],
    BeforeValidator(_ranges),
    Field(description=f"at most {RANGES} ranges of versions in order, as 3-17,21-21"),
]
"""Changes that a client made itself."""


def _client(given: Any) -> JobClient:
    """Reads `ID.STARTS.RECORDS.NONCE.PLACE`."""
    if not (isinstance(given, str) and (found := _CLIENT.fullmatch(given))):
        raise ValueError("not a client")
    id, starts, records, nonce, place = found.groups()
    return JobClient(id, int(starts), int(records), ClientProcess(nonce, place))


_CLIENT: Final = re.compile(
    "([0-9a-f]{32})[.]([0-9]{1,18})[.]([0-9]{1,18})[.]([0-9a-f]{32})[.]([0-9a-f]{16})"
)
Client = Annotated[
    JobClient | None,
    BeforeValidator(_client),
    Field(description="ID.STARTS.RECORDS.NONCE.PLACE: 32 hex digits, two numbers, 32 and 16"),
]
"""A job, as it comes."""
Cursor = Annotated[int, BeforeValidator(_seen), whole(LARGEST)]
"""A sequence that a client has seen; -1 or nothing for none."""
at_least_one: Final = AfterValidator(_some)
