"""The fields of a body or a query as models: each is checked, and errors name the field.

A field's `description` says what it must be, and becomes the error. Unknown fields of a body are
ignored, so that newer clients can use older programs; in a query they are errors.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from cargo_sync.model.problems import ProblemError, bad_request

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


def text(most: int) -> Any:
    """The metadata of a text of at most `most` characters."""
    return Field(max_length=most, description=f"text of at most {most} characters")


def whole(most: int) -> Any:
    """The metadata of a whole number, 0 to `most`."""
    return Field(ge=0, le=most, description=f"a whole number from 0 to {most}")


def items(most: int) -> Any:
    """The metadata of a list of at most `most` items; each item is checked on its own."""
    return Field(max_length=most, description="a list")


def as_whole(given: Any) -> int:
    """A whole number of a query, which is text there. Raises ValueError."""
    # int() alone would accept spaces, signs, underscores and digits of other scripts.
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 19:
        return int(given)
    raise ValueError("not a whole number")


digits: Final = BeforeValidator(as_whole)
