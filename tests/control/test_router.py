"""The router without a socket: bytes in, bytes out."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from cargo_sync.api.daemon_commands import COMMANDS
from cargo_sync.api.messages import (
    ControlError,
    Principal,
    Request,
    encode_request,
    parse_reply,
)
from cargo_sync.api.roles import Role
from cargo_sync.control.audit import MemoryAudit
from cargo_sync.control.callers import LOCAL, PLAIN, Caller
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.router import Router
from cargo_sync.control.routes import Route
from tests.control import raw as routes
from tests.control.raw import raw_routes
from tests.offloads import T, Ts


class Jobs:
    """Handlers that count their calls."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()

    async def status(self, _args: dict[str, Any]) -> dict[str, Any]:
        return {"state": "synced"}

    async def list(self, _args: dict[str, Any]) -> dict[str, Any]:
        return {"jobs": [{"name": "nightly", "state": "synced"}]}

    async def pause(self, args: dict[str, Any]) -> dict[str, Any]:
        self.calls["pause"] += 1
        await self.gate.wait()
        if args.get("job") not in (None, "nightly"):
            raise ControlError(
                "unknown_job", f'there is no job "{args["job"]}"', 'did you mean "nightly"?'
            )
        return {"jobs": [{"name": "nightly", "state": "paused"}]}

    async def shutdown(self, _args: dict[str, Any]) -> dict[str, Any]:
        return {}

    async def broken(self, _args: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("the password is hunter2")

    async def unspeakable(self, _args: dict[str, Any]) -> dict[str, Any]:
        return {"handle": object()}

    def routes(self) -> dict[str, Route[Any]]:
        handlers = {
            "status": self.status,
            "job.list": self.list,
            "job.pause": self.pause,
            "shutdown": self.shutdown,
            "broken": self.broken,
            "unspeakable": self.unspeakable,
        }
        return raw_routes(handlers, COMMANDS)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def router(jobs: Jobs, clock: Clock | None = None) -> Router:
    return Router(jobs.routes(), MemoryDeduplicate(clock or Clock()))


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (
            b'{"v":1,"id":"7","cmd":"status","args":{}}',
            b'{"v":1,"id":"7","ok":true,"result":{"state":"synced"}}',
        ),
        (b'{"cmd":"shutdown"}', b'{"v":1,"id":"","ok":true,"result":{}}'),
        (
            b'{"id":"7","cmd":"job.pause","args":{"job":"nigthly"}}',
            b'{"v":1,"id":"7","ok":false,"error":{"code":"unknown_job",'
            b'"message":"there is no job \\"nigthly\\"","hint":"did you mean \\"nightly\\"?"}}',
        ),
        (
            b'{"id":"7","cmd":"job.puase"}',
            b'{"v":1,"id":"7","ok":false,"error":{"code":"unknown_command",'
            b'"message":"there is no command \\"job.puase\\"","hint":"did you mean '
            b'\\"job.pause\\"?"}}',
        ),
        (
            b'{"id":"7","cmd":"xyzzy"}',
            b'{"v":1,"id":"7","ok":false,"error":{"code":"unknown_command",'
            b'"message":"there is no command \\"xyzzy\\"","hint":"`hello` lists all commands"}}',
        ),
        (
            b'{"id":"7","cmd":"status","args":{"job":"nightly"}}',
            b'{"v":1,"id":"7","ok":false,"error":{"code":"bad_argument",'
            b'"message":"`status` has no argument \\"job\\"","hint":"it takes none"}}',
        ),
        (
            b"[1]",
            b'{"v":1,"id":"","ok":false,"error":{"code":"bad_message",'
            b'"message":"this is JSON, but not an object",'
            b'"hint":"such as {\\"v\\":1,\\"id\\":\\"1\\",\\"cmd\\":\\"status\\"}"}}',
        ),
        (b"PAUSE", b"PAUSED"),
        (b"PAUSE nightly", b"PAUSED"),
        (b"PAUSE nigthly", b'ERROR: there is no job "nigthly" (did you mean "nightly"?)'),
        (b"LIST-JOBS", b'[{"name":"nightly","state":"synced"}]'),
    ],
)
async def test_answers(raw: bytes, answer: bytes) -> None:
    jobs = Jobs()
    assert await router(jobs).answer(raw) == answer


@pytest.mark.parametrize("cmd", ["broken", "unspeakable"])
async def test_a_mistake_inside_is_logged_and_not_told(
    cmd: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await router(Jobs()).answer(encode_request(Request(cmd, {}, "7")))
    assert answer == (
        b'{"v":1,"id":"7","ok":false,"error":{"code":"internal",'
        b'"message":"internal error","hint":"see the log of the process"}}'
    )
    assert "Traceback" in caplog.text


async def test_a_changing_command_is_done_once_for_an_id() -> None:
    jobs = Jobs()
    answering = router(jobs)
    pause = encode_request(Request("job.pause", {}, "7"))
    first = await answering.answer(pause)
    assert [await answering.answer(pause) for _ in range(3)] == [first] * 3
    assert jobs.calls["pause"] == 1
    await answering.answer(encode_request(Request("job.pause", {}, "8")))
    await answering.answer(encode_request(Request("job.pause")))
    await answering.answer(encode_request(Request("job.pause")))
    assert jobs.calls["pause"] == 4


async def test_a_changing_command_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def check(cmd: str, *_: Any) -> None:
        checked.append(cmd)

    monkeypatch.setattr(routes, "check_arguments", check)
    answering = router(Jobs())
    for cmd in ("job.pause", "status"):
        raw = await answering.answer(encode_request(Request(cmd, {}, "7")))
        assert parse_reply(raw).error is None
    assert checked == ["job.pause", "status"]


async def test_a_repetition_meanwhile_waits_for_the_same_answer() -> None:
    jobs = Jobs()
    jobs.gate.clear()
    answering = router(jobs)
    pause = encode_request(Request("job.pause", {}, "7"))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        tasks = [group.create_task(answering.answer(pause)) for _ in range(3)]
        while not jobs.calls["pause"]:
            await asyncio.wait(tasks, timeout=0)
        jobs.gate.set()
    assert jobs.calls["pause"] == 1
    assert len({task.result() for task in tasks}) == 1
    assert parse_reply(tasks[0].result()).error is None


async def test_what_was_refused_changed_nothing_and_may_come_again() -> None:
    jobs = Jobs()
    answering = router(jobs)
    for _ in range(2):
        await answering.answer(encode_request(Request("job.pause", {"job": "x"}, "7")))
    assert jobs.calls["pause"] == 2


async def test_a_memory_that_fails_is_an_internal_error() -> None:
    class Failing(MemoryDeduplicate):
        def put(self, id: str, reply: bytes) -> None:
            raise OSError("disk full")

    answering = Router(Jobs().routes(), Failing(Clock()))
    error = parse_reply(await answering.answer(b'{"id":"7","cmd":"job.pause"}')).error
    assert error is not None
    assert error.code == "internal"


async def test_the_memory_is_asked_away_from_the_loop() -> None:
    offloaded: list[str] = []

    async def offload(work: Callable[[*Ts], T], *args: *Ts) -> T:
        offloaded.append(getattr(work, "__name__", ""))
        return work(*args)

    answering = Router(Jobs().routes(), MemoryDeduplicate(Clock()), offload=offload)
    for _ in range(2):
        await answering.answer(b'{"id":"7","cmd":"job.pause"}')
    await answering.answer(b'{"id":"8","cmd":"status"}')
    assert offloaded == ["get", "put", "get"]


def test_answers_are_remembered_for_a_day_and_no_more_than_fit() -> None:
    clock = Clock()
    done = MemoryDeduplicate(clock, keep=86_400, most=2)
    done.put("a", b"1")
    clock.now = 86_399
    assert done.get("a") == b"1"
    clock.now = 86_400
    assert done.get("a") is None
    for id in "abc":
        done.put(id, b"2")
    assert [done.get(id) for id in "abc"] == [None, b"2", b"2"]


async def test_two_thousand_mutated_messages_all_get_an_answer() -> None:
    rng = random.Random(7)
    answering = router(Jobs())
    seeds = [
        b'{"v":1,"id":"7","cmd":"job.pause","args":{"job":"nightly"}}',
        b'{"v":1,"id":"7","cmd":"status","args":{}}',
        b"PAUSE nightly",
        b"LIST-JOBS",
    ]
    for _ in range(2_000):
        raw = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 5)):
            at = rng.randrange(len(raw))
            match rng.randrange(3):
                case 0:
                    raw[at] = rng.randrange(256)
                case 1:
                    raw[at:at] = rng.randbytes(rng.randint(1, 8))
                case _:
                    del raw[at + 1 : at + rng.randint(1, 9)]
        answer = await answering.answer(bytes(raw))
        if answer not in (b"PAUSED",) and not answer.startswith(b"ERROR: "):
            orjson.loads(answer)
            assert b'"internal"' not in answer


async def test_an_old_command_is_answered_with_its_new_name() -> None:
    async def nothing(_args: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("it was not asked for")

    router = Router(raw_routes({"history": nothing}, COMMANDS), MemoryDeduplicate(lambda: 0.0))
    error = parse_reply(await router.answer(b'{"cmd":"events"}')).error
    assert error is not None
    assert (error.code, error.hint) == ("unknown_command", 'did you mean "history"?')
    other = parse_reply(await router.answer(b'{"cmd":"bandwidth.sow"}')).error
    assert other is not None and other.hint == "`hello` lists all commands"


WATCHING = Caller(Role.WATCH, 'key "laptop"')


@pytest.mark.parametrize(
    ("caller", "role", "code"),
    [
        (LOCAL, Role.CONTROL, None),
        (LOCAL, Role.WATCH, "forbidden"),
        (WATCHING, Role.CONTROL, "forbidden"),
        (WATCHING, Role.WATCH, "forbidden"),
        (PLAIN, Role.CONTROL, "forbidden"),
    ],
)
async def test_a_command_for_a_person_may_do_what_both_may(
    caller: Caller, role: Role, code: str | None
) -> None:
    jobs, audit = Jobs(), MemoryAudit()
    asked = Router(jobs.routes(), MemoryDeduplicate(Clock()), audit=audit)
    raw = encode_request(Request("job.pause", {}, "1", Principal("ana", role)))
    reply = parse_reply(await asked.answer(raw, caller))
    assert (reply.error.code if reply.error else None) == code
    assert [row[0] for row in audit.rows] == ([] if code else ["local user for ana"])


async def test_a_key_that_may_only_watch_speaks_for_nobody_else() -> None:
    """A key that may only watch writes no other name into the audit, and lends nobody a name."""
    asked = router(Jobs())
    raw = encode_request(Request("status", {}, "1", Principal("ana", Role.WATCH)))
    assert parse_reply(await asked.answer(raw, LOCAL)).error is None
    refused = parse_reply(await asked.answer(raw, WATCHING)).error
    assert refused is not None
    assert (refused.code, refused.hint) == ("forbidden", 'leave out "for"')


async def test_an_earlier_reply_is_not_shown_to_a_person_who_may_only_watch() -> None:
    jobs = Jobs()
    asked = router(jobs)
    for role, code in ((Role.CONTROL, None), (Role.WATCH, "forbidden"), (Role.CONTROL, None)):
        raw = encode_request(Request("job.pause", {}, "the same", Principal("ana", role)))
        error = parse_reply(await asked.answer(raw, LOCAL)).error
        assert (error.code if error else None) == code
    assert jobs.calls["pause"] == 1
