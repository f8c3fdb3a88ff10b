"""How annotations become checks, and arguments become a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest

from cargo_sync.api.arguments import UNSET, Args, Mark, Range, Unset, arguments_of
from cargo_sync.api.commands import Command
from cargo_sync.api.messages import ControlError, ReplyCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything(Args):
    limit: Annotated[int, Range(1, 10)] = 5
    name: str
    after: Annotated[str, Mark.EMPTY] = ""
    size: int | None = None
    level: Literal["low", "high"] = "low"
    mode: Literal["a", "b"] | None = None
    deep: bool = False
    grants: Mapping[str, object] = field(default_factory=dict)
    speed: Annotated[str | Unset | None, Mark.NULL] = UNSET
    password: Annotated[str | None, Mark.SECRET] = field(default=None, repr=False)


DO = Command("do", "", Everything)


def refused(args: Mapping[str, Any]) -> tuple[str, str]:
    with pytest.raises(ControlError) as caught:
        DO.decode(args)
    assert caught.value.code == ReplyCode.BAD_ARGUMENT
    return caught.value.message, caught.value.hint


def test_what_was_sent_becomes_a_value() -> None:
    assert DO.decode({"name": "x"}) == Everything(name="x")
    sent = {
        "name": "x",
        "limit": 10,
        "after": "",
        "size": 0,
        "level": "high",
        "mode": "b",
        "deep": True,
        "grants": {"ana": "rw"},
        "speed": None,
        "password": "secret",
    }
    decoded = DO.decode(sent)
    assert {name: getattr(decoded, name) for name in sent} == sent
    assert "secret" not in repr(decoded)


@pytest.mark.parametrize(
    ("argument", "value", "allowed"),
    [
        ("name", "", "text"),
        ("name", None, "text"),
        ("name", ["x"], "text"),
        ("after", None, "text"),
        ("limit", 0, "a whole number from 1 to 10"),
        ("limit", 11, "a whole number from 1 to 10"),
        ("limit", 1.0, "a whole number from 1 to 10"),
        ("limit", True, "a whole number from 1 to 10"),
        ("size", -1, f"a whole number from 0 to {2**53}"),
        ("size", 2**53 + 1, f"a whole number from 0 to {2**53}"),
        ("size", None, f"a whole number from 0 to {2**53}"),
        ("level", "middle", "one of low, high"),
        ("level", ["low"], "one of low, high"),
        ("mode", None, "one of a, b"),
        ("deep", 1, "true or false"),
        ("grants", [], "an object"),
        ("grants", None, "an object"),
        ("speed", 1, "text, or null"),
        ("speed", "", "text, or null"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(argument: str, value: Any, allowed: str) -> None:
    assert refused({"name": "x", argument: value}) == (f'`do`: "{argument}" must be {allowed}', "")


def test_what_is_missing_or_unknown_is_named() -> None:
    takes = "it takes name, limit, after, size, level, mode, deep, grants, speed, password"
    assert refused({}) == ('`do` needs the argument "name"', takes)
    assert refused({"nmae": "x"}) == ('`do` has no argument "nmae"', 'did you mean "name"?')
    assert refused({"q" * 200: "x"}) == (f'`do` has no argument "{"q" * 64}"', takes)
    with pytest.raises(ControlError, match='`status` has no argument "job"') as caught:
        Command("status", "", Args).decode({"job": "a"})
    assert caught.value.hint == "it takes none"


def test_an_annotation_that_says_nothing_is_a_mistake_of_ours() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Odd(Args):
        when: float

    with pytest.raises(TypeError, match="float"):
        arguments_of(Odd)
