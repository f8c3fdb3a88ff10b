"""Shapes: the forms of files in pydantic, with errors in our words.

A shape is the form of a file: its fields, their types, and the checks between them. A field's
`description` says what is allowed, and becomes the hint of an error. A check between two fields
belongs to the later one and finds the earlier one in `info.data`, so it also runs when a third
field is wrong.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from cargo_sync.config.environment import expand
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.relaxed import Document, FieldPath, Raw, dotted
from cargo_sync.config.renamed import RENAMED_FIELDS
from cargo_sync.suggest import did_you_mean

NO_FIELD: Final = "is not a field here"


class Shape(BaseModel):
    """The form of an object in a file. Unknown fields and wrong types are errors without values."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, allow_inf_nan=False
    )


ShapeT = TypeVar("ShapeT", bound=Shape)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a check may need besides the file's text.

    folder  absolute folder of the file, from which relative paths start; None for a text that is
            not a file yet: relative paths in it are errors
    env     the environment: HOME and the XDG variables
    """

    folder: str | None
    env: Mapping[str, str]


def surroundings(info: ValidationInfo) -> Surroundings:
    """The surroundings of the file that is being checked."""
    return cast(Surroundings, info.context)


def wrong(message: str, *place: str | int) -> ValueError:
    """A complete error, `place` steps below the field that is checked.

    An ordinary ValueError from a check is shown with what is allowed in the field.
    """
    return _CompleteError(message, place)


class _CompleteError(ValueError):
    def __init__(self, message: str, place: FieldPath) -> None:
        super().__init__(message)
        self.place = place


class SeveralError(ValueError):
    """Raised by a check that found more than one problem in its field."""

    def __init__(self, errors: Iterable[ValueError]) -> None:
        super().__init__("several errors")
        self.errors = tuple(errors)


def read_shape(document: Document, shape: type[ShapeT], around: Surroundings) -> ShapeT:
    """The document as a `shape`, with environment variables filled in.

    Raises:
        ConfigError: with all problems.
    """
    filled, failed = expand(document, around.env)
    try:
        value = shape.model_validate(filled.value, context=around)
    except ValidationError as error:
        found = [
            problem for details in error.errors() for problem in _problems(document, shape, details)
        ]
    else:
        found = []
        if not failed:
            return value
    unset = {dotted(place) for place in failed}
    raise ConfigError(
        [*failed.values(), *(problem for problem in found if problem.field not in unset)]
    )


_MEANT = {
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}


_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _problems(document: Document, shape: type[Shape], details: ErrorDetails) -> list[FieldProblem]:
    """One of pydantic's errors as our problems; a check may have found several."""
    place: FieldPath = details["loc"]
    kind, given, context = details["type"], details.get("input"), details.get("ctx", {})
    owner, field = _field(shape, place)
    allowed = f"expected: {field.description}" if field is not None and field.description else None
    if kind == "value_error":
        cause = context["error"]
        errors = cause.errors if isinstance(cause, SeveralError) else (cause,)
        return [
            document.problem((*place, *error.place), str(error))
            if isinstance(error, _CompleteError)
            else document.problem(place, str(error), allowed)
            for error in errors
        ]
    if kind == "extra_forbidden":
        hint = name_hint(RENAMED_FIELDS.get(dotted(place), str(place[-1])), owner.model_fields)
        return [document.problem(place, NO_FIELD, hint)]
    if kind == "missing":
        return [document.problem(place, "is missing", allowed)]
    if isinstance(given, Raw):
        message = "is a template without quotes; only the body of an event may have one"
    elif kind in _MEANT:
        message = f"must be {_MEANT[kind]}, not {describe(given)}"
    elif kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        message = f"must be {words} {context[key]:g}"
    elif kind == "literal_error":
        message = (
            f'"{given}" is not allowed'
            if isinstance(given, str)
            else f"must not be {describe(given)}"
        )
        near = did_you_mean(str(given), re.findall("'([^']*)'", context["expected"]))
        allowed = " ".join(hint for hint in (near, allowed) if hint)
    else:
        message = details["msg"][:1].lower() + details["msg"][1:]
    return [document.problem(place, message, allowed)]


def _field(shape: type[Shape], place: FieldPath) -> tuple[type[Shape], FieldInfo | None]:
    """The innermost shape on the way to `place`, and its field; None if it has no such field."""
    owner: type[Shape] = shape
    field: FieldInfo | None = None
    for part in place:
        if isinstance(part, str):
            field = owner.model_fields.get(part)
            inner = _shape_of(field.annotation) if field is not None else None
            if inner is None:
                break
            owner = inner
    return owner, field


def _shape_of(annotation: Any) -> type[Shape] | None:
    """The shape inside an annotation such as `tuple[UserShape, ...]` or `TlsShape | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Shape):
        return annotation
    return next(
        (inner for part in getattr(annotation, "__args__", ()) if (inner := _shape_of(part))), None
    )


def describe(value: Any) -> str:
    """The kind of a value, without the value: it may be a password in the wrong field."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "a template without quotes"


def name_hint(word: str, known: Iterable[str]) -> str:
    """`did you mean "x"?`, or all known names if none is similar."""
    names = sorted(known)
    return did_you_mean(word.lower(), names) or "known: " + ", ".join(names)
