"""What the router writes to the audit, and what it never writes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import pytest

from cargo_sync.api.arguments import Args, Mark
from cargo_sync.api.commands import Command
from cargo_sync.api.messages import ControlError, JsonObject
from cargo_sync.api.roles import Role
from cargo_sync.api.server_commands import WORKSPACE_ADD
from cargo_sync.control.audit import MemoryAudit, written
from cargo_sync.control.callers import Caller
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.router import Router
from cargo_sync.control.routes import Route, routed
from cargo_sync.model.problems import Code, Problem, ProblemError

CANARY = "canary-7d2e"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Args):
    user: str
    password: Annotated[str | None, Mark.SECRET] = None
    file: Mapping[str, object] | None = None


SET = Command("user.set", "", Given, changes=True)
LIST = Command("user.list", "", Args)
ANA = Caller(Role.CONTROL, "ana")


class Users:
    """Handlers, and the audit at the time when one was called."""

    def __init__(self, audit: MemoryAudit) -> None:
        self.audit = audit
        self.seen: list[Any] = []
        self.failure: Exception | None = None

    async def set(self, _: Given) -> JsonObject:
        self.seen = list(self.audit.rows)
        if self.failure is not None:
            raise self.failure
        return {}

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(SET, self.set), Route(LIST, self.list))

    async def list(self, _: Args) -> JsonObject:
        return {}


def house(audit: MemoryAudit) -> tuple[Users, Router]:
    users = Users(audit)
    return users, Router(routed([users]), MemoryDeduplicate(lambda: 0.0), audit=audit)


def request(cmd: str, args: dict[str, Any], id: str = "") -> bytes:
    return orjson.dumps({"id": id, "cmd": cmd, "args": args})


async def test_a_row_is_there_before_the_command_and_its_outcome_after() -> None:
    audit = MemoryAudit()
    users, router = house(audit)
    await router.answer(request("user.set", {"user": "ben"}), ANA)
    assert users.seen == [("ana", "user.set", '{"user":"ben"}', "")]
    assert audit.rows == [("ana", "user.set", '{"user":"ben"}', "ok")]


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (ControlError("unknown_user", "no"), "unknown_user"),
        (ProblemError(Problem(Code.DISK_FULL, "no")), "disk_full"),
        (RuntimeError(CANARY), "internal"),
    ],
)
async def test_how_it_failed_is_written_down(failure: Exception, outcome: str) -> None:
    audit = MemoryAudit()
    users, router = house(audit)
    users.failure = failure
    await router.answer(request("user.set", {"user": "ben"}), ANA)
    assert [row[3] for row in audit.rows] == [outcome]


async def test_what_changes_nothing_leaves_no_row() -> None:
    audit = MemoryAudit()
    _, router = house(audit)
    watcher = Caller(Role.WATCH, "watcher")
    for raw, caller in (
        (request("user.list", {}), ANA),
        (request("user.set", {}), ANA),  # an argument is missing
        (request("user.set", {"user": "ben"}), watcher),
        (request("user.set", {"user": "ben"}), None),
        (b"PAUSE", ANA),
    ):
        await router.answer(raw, caller)
    assert audit.rows == []


async def test_a_command_that_comes_twice_is_one_row() -> None:
    audit = MemoryAudit()
    _, router = house(audit)
    for _ in range(2):
        await router.answer(request("user.set", {"user": "ben"}, "same"), ANA)
    assert len(audit.rows) == 1


async def test_no_secret_is_written_down() -> None:
    audit = MemoryAudit()
    _, router = house(audit)
    file = {
        "username": "ben",
        "password": CANARY,
        "events": [{"headers": {"Authorization": CANARY}}],
    }
    await router.answer(request("user.set", {"user": "ben", "password": CANARY, "file": file}), ANA)
    [(_, _, args, _)] = audit.rows
    assert CANARY not in args
    assert orjson.loads(args) == {
        "user": "ben", "password": "***", "file": {"fields": ["events", "password", "username"]},
    }  # fmt: skip


def test_arguments_stay_short() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Big(Args):
        a: str
        b: Mapping[str, object]
        c: Mapping[str, object]
        d: int

    command = Command("", "", Big)
    big = {
        "a": "x" * 10_000,
        "b": ["x"] * 10_000,
        "c": {str(n) * 50: n for n in range(10_000)},
        "d": 2**53,
    }
    told = orjson.loads(written(command, big))
    assert (told["a"], told["b"], told["d"]) == ("x" * 200 + "…", {"items": 10_000}, 2**53)
    assert len(told["c"]["fields"]) == 200


async def test_a_full_disk_keeps_nobody_from_giving_orders(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Full(MemoryAudit):
        def begin(self, who: str, command: str, args: str) -> int:
            raise ProblemError(Problem(Code.DISK_FULL, "no space left"))

    _, router = house(Full())
    with caplog.at_level(logging.ERROR):
        answer = orjson.loads(await router.answer(request("user.set", {"user": "ben"}), ANA))
    assert answer["ok"] is True
    assert 'user.set {"user":"ben"} by ana' in caplog.text


def test_a_grant_is_written_down_with_its_right() -> None:
    told = written(WORKSPACE_ADD, {"workspace": "m", "path": "/m", "grants": {"ben": "ro"}})
    assert orjson.loads(told) == {"workspace": "m", "path": "/m", "grants": {"ben": "ro"}}
    many = {f"u{number:03}": "rw" * 1_000 for number in range(1_000)}
    told = written(WORKSPACE_ADD, {"workspace": "m", "path": "/m", "grants": many})
    assert len(told) < 20_000
