"""The fields of a body or a query as models: each is checked, and errors name the field.

A field's `description` says what it must be, and becomes the error. Unknown fields of a body are
ignored, so that newer clients can use older servers; in a query they are errors.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails

from cargo_sync.machines.client_fence import ClientProcess, JobClient
from cargo_sync.machines.own_changes import RANGES, VersionRange
from cargo_sync.model import paths
from cargo_sync.model.entries import EARLIEST, LATEST
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.xattrs import MOST, Xattrs, decoded
from cargo_sync.server.refusals import bad_request

LARGEST: Final = 2**63 - 1
"""The largest number that SQLite and JSON readers can store."""


class Asked(BaseModel):
    """The fields of one body or one query."""

    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)

    @classmethod
    def read(cls, given: Mapping[str, object]) -> Self:
        """Checks the fields.

        Raises:
            ProblemError: `bad_request`, `bad_path`.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise cls._refusal(first) from None

    @classmethod
    def _refusal(cls, error: ErrorDetails) -> ProblemError:
        name = str(error["loc"][0])
        if error["type"] == "extra_forbidden":
            known = "known: " + ", ".join(cls.model_fields)
            return bad_request(f'"{name[:40]}" is not a field here', known)
        if error["type"] == "too_long":
            count, most = error["ctx"]["actual_length"], error["ctx"]["max_length"]
            return bad_request(f'"{name}" has {count:,} items; at most {most:,} are allowed')
        [field] = [one for each, one in cls.model_fields.items() if name in (each, one.alias)]
        return bad_request(f'"{name}" must be {field.description}')


class Query(Asked):
    """The query of a URL: all values are text."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def read(cls, given: Mapping[str, object]) -> Self:
        return super().read(dict(given))


# -- fields of bodies ------------------------------------------------------------------------------


def text(most: int) -> Any:
    """The metadata of a text of at most `most` characters."""
    return Field(max_length=most, description=f"text of at most {most} characters")


def whole(most: int) -> Any:
    """The metadata of a whole number, 0 to `most`."""
    return Field(ge=0, le=most, description=f"a whole number from 0 to {most}")


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


def items(most: int) -> Any:
    """The metadata of a list of at most `most` items; each item is checked on its own."""
    return Field(max_length=most, description="a list")


# -- fields of queries -----------------------------------------------------------------------------


def _digits(given: Any) -> int:
    # int() alone would accept spaces, signs, underscores and digits of other scripts.
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 19:
        return int(given)
    raise ValueError("not a whole number")


def _seen(given: Any) -> int:
    return 0 if given == "-1" else _digits(given)


def _some(count: int) -> int:
    return max(1, count)


After = Annotated[str, Field(description="a name")]
"""The last name of the previous page, "" for the first page."""


def _ranges(given: Any) -> tuple[VersionRange, ...]:
    """Reads `1-5,7-7`: ranges of versions, in order, that do not touch."""
    ranges = []
    for part in str(given).split(",") if given else ():
        first, dash, last = part.partition("-")
        ranges.append((_digits(first), _digits(last) if dash else -1))
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
digits: Final = BeforeValidator(_digits)
Cursor = Annotated[int, BeforeValidator(_seen), whole(LARGEST)]
"""A sequence that a client has seen; -1 or nothing for none."""
at_least_one: Final = AfterValidator(_some)
