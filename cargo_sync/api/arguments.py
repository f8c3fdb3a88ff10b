"""The arguments of a command: one frozen dataclass, from which everything about them is derived.

The annotation of a field says which values are allowed:

    str                            text that is not empty
    int                            a whole number from 0 to 2**53
    bool                           true or false
    Mapping[str, object]           an object
    Sequence[str]                  a list of at most 100 texts, which may be empty
    Literal["debug", "info"]       one of these texts
    Annotated[int, Range(1, 10)]   a whole number from 1 to 10
    Annotated[str, Mark.EMPTY]     the text may be empty
    Annotated[str, Mark.SECRET]    it is never logged or stored
    Annotated[Mapping[str, object], Mark.TOLD]   the audit has its values, too
    Annotated[str | None, Mark.NULL]   null may be sent, with a meaning of its own

A field without a default is required. A default of None means that the argument was not sent; if
null may be sent too, the default is `UNSET`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import Enum, auto
from types import MappingProxyType, UnionType
from typing import Annotated, Final, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from cargo_sync.api.messages import LONGEST_LIST, ControlError, ReplyCode
from cargo_sync.suggest import did_you_mean

ArgumentKind = type[str] | type[int] | type[bool] | type[dict[str, object]] | type[list[str]]
_LARGEST = 2**53
_LONGEST_NAME = 64


class Range(NamedTuple):
    """The smallest and the greatest whole number that are allowed."""

    low: int = 0
    high: int = _LARGEST


class Mark(Enum):
    """Properties of an argument that its type does not show."""

    EMPTY = auto()
    """The text may be empty, such as the path of a workspace itself."""
    NULL = auto()
    """Null is allowed, and has a meaning of its own, such as no limit."""
    SECRET = auto()
    """It is never in logs, in the feed or in the audit."""
    TOLD = auto()
    """The audit also has the values of the object, not only the names of its fields."""


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = auto()


UNSET: Final = Unset.UNSET
"""The default of an argument that may be null: it was not sent at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Args:
    """The arguments of a command that takes none, and the base of all others."""


A = TypeVar("A", bound=Args)


@dataclass(frozen=True, slots=True)
class Argument:
    """The values that one argument may have.

    kind    text, a whole number within `range`, true or false, an object, a list of texts
    one_of  the texts that are allowed; empty if all are
    marks   see `Mark`
    """

    kind: ArgumentKind
    required: bool
    range: Range
    one_of: tuple[str, ...]
    marks: frozenset[Mark]

    @property
    def secret(self) -> bool:
        """Whether it is never logged or stored."""
        return Mark.SECRET in self.marks

    @property
    def told(self) -> bool:
        """Whether the audit has the values of the object's fields."""
        return Mark.TOLD in self.marks

    def allows(self, value: object) -> bool:
        """Whether `value`, decoded from JSON, is allowed."""
        if value is None:
            return Mark.NULL in self.marks
        if self.kind is int:
            return (
                isinstance(value, int)
                and not isinstance(value, bool)
                and self.range.low <= value <= self.range.high
            )
        if self.one_of:
            return value in self.one_of
        if self.kind is list:
            return isinstance(value, list) and _are_texts(value)
        return isinstance(value, self.kind) and (value != "" or Mark.EMPTY in self.marks)

    def __str__(self) -> str:
        if self.one_of:
            words = "one of " + ", ".join(self.one_of)
        elif self.kind is int:
            words = f"a whole number from {self.range.low} to {self.range.high}"
        else:
            words = _WORDS[self.kind]
        return f"{words}, or null" if Mark.NULL in self.marks else words


_WORDS: Final[Mapping[ArgumentKind, str]] = {
    str: "text",
    bool: "true or false",
    dict: "an object",
    list: f"a list of at most {LONGEST_LIST} texts",
}
_KINDS: Final[Mapping[object, ArgumentKind]] = {
    str: str,
    int: int,
    bool: bool,
    Mapping: dict,
    Sequence: list,
}


def _are_texts(values: list[object]) -> bool:
    return len(values) <= LONGEST_LIST and all(isinstance(each, str) for each in values)


def arguments_of(takes: type[Args]) -> Mapping[str, Argument]:
    """The arguments by name, in the order of the fields.

    Raises:
        TypeError: the module does not describe an annotation.
    """
    return MappingProxyType(
        {
            each.name: _argument(
                each.type, required=each.default is MISSING and each.default_factory is MISSING
            )
            for each in fields(takes)
        }
    )


def check_arguments(cmd: str, known: Mapping[str, Argument], args: Mapping[str, object]) -> None:
    """Checks the arguments of the command `cmd`.

    Raises:
        ControlError: bad_argument; it names the argument and the allowed values.
    """
    for name, value in args.items():
        allowed = known.get(name)
        if allowed is None:
            hint = did_you_mean(name, known) or _takes(known)
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, f'`{cmd}` has no argument "{name[:_LONGEST_NAME]}"', hint
            )
        if not allowed.allows(value):
            raise ControlError(ReplyCode.BAD_ARGUMENT, f'`{cmd}`: "{name}" must be {allowed}')
    for name, argument in known.items():
        if argument.required and name not in args:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, f'`{cmd}` needs the argument "{name}"', _takes(known)
            )


def _takes(known: Mapping[str, Argument]) -> str:
    required_first = sorted(known, key=lambda name: not known[name].required)
    return "it takes " + ", ".join(required_first) if known else "it takes none"


def _argument(annotation: object, *, required: bool) -> Argument:
    marks: tuple[object, ...] = ()
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        marks = tuple(more)
    [kind] = _sent_types(annotation)
    one_of = get_args(kind) if get_origin(kind) is Literal else ()
    key = str if one_of else get_origin(kind) or kind
    if key not in _KINDS:
        raise TypeError(f"an argument cannot have the type {annotation}")
    return Argument(
        _KINDS[key],
        required,
        next((each for each in marks if isinstance(each, Range)), Range()),
        one_of,
        frozenset(each for each in marks if isinstance(each, Mark)),
    )


def _sent_types(annotation: object) -> Iterator[object]:
    """The members of a union without None and Unset."""
    members = (
        get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    )
    return (each for each in members if each not in (type(None), Unset))
