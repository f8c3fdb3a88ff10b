"""Commands: every message gets one answer, and none of them can hurt the daemon or hold up another.

`answer` is bytes in, bytes out and knows no socket; `serve` is the loop around it. The socket is a
ROUTER, which serves REQ and DEALER clients alike and, unlike a REP, never gets stuck when one of
them goes away.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import zmq
import zmq.asyncio

from cargo_sync.api.arguments import Args
from cargo_sync.api.commands import Command
from cargo_sync.api.messages import (
    BadMessage,
    ControlError,
    Refusal,
    Reply,
    ReplyCode,
    Request,
    encode_reply,
    parse_request,
)
from cargo_sync.api.orders import encode_answer, parse_order
from cargo_sync.api.renamed import RENAMED_COMMANDS
from cargo_sync.control.audit import DONE, AuditLog, written
from cargo_sync.control.binding import SocketSetup, as_it_is, bound
from cargo_sync.control.callers import (
    LOCAL,
    Caller,
    CallerOf,
    check_role,
    let_in_no_more,
    local_door,
)
from cargo_sync.control.once import Deduplicate
from cargo_sync.control.routes import Route
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload, T, Ts
from cargo_sync.suggest import did_you_mean

LARGEST_MESSAGE = 1024 * 1024
_MOST_AT_ONCE = 64
_UNSENT_REPLIES = 1_000
_ROOM_WAIT = 0.05
_LAST_WORDS = 1.0
_HEARTBEAT_MS = 5_000

_log = logging.getLogger(__name__)


async def _inline(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return work(*args)


def bind_commands(
    context: zmq.asyncio.Context,
    address: str,
    prepare: SocketSetup = as_it_is,
) -> zmq.asyncio.Socket:
    """A ROUTER bound to `address`, with bounds on what strangers can make it hold.

    `prepare` may set more options before it is bound. Raises zmq.ZMQError.
    """
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.SNDHWM, _UNSENT_REPLIES)
    socket.setsockopt(zmq.HEARTBEAT_IVL, _HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * _HEARTBEAT_MS)
    return bound(socket, address, prepare)


class _Permitted(NamedTuple):
    """A request that was checked, with its arguments decoded: its caller may make it."""

    request: Request
    caller: Caller
    route: Route[Any]
    args: Args

    @property
    def command(self) -> Command[Any]:
        return self.route.command


class Router:
    """Dispatches requests to handlers.

    routes        by the command's name
    done          remembers what changing commands were answered; a repeated id gets the same answer
    audit         where commands that change something are written down, if anywhere
    offload       runs what `done` and `audit` do, in a thread if it may wait for a disk or a lock
    most_at_once  requests answered at a time; with as many that are slow, others are told `busy`
    """

    def __init__(
        self,
        routes: Mapping[str, Route[Any]],
        done: Deduplicate,
        *,
        audit: AuditLog | None = None,
        offload: Offload = _inline,
        most_at_once: int = _MOST_AT_ONCE,
    ) -> None:
        self._routes = routes
        self._done = done
        self._audit = audit
        self._offload = offload
        self._most_at_once = most_at_once
        self._under_way: dict[str, asyncio.Future[bytes]] = {}

    async def serve(self, socket: zmq.asyncio.Socket, door: CallerOf = local_door) -> None:
        """Answer what comes, until cancelled; answers under way then still have a second to go out.

        Several sockets may be served at once, each with its own bound on requests under way: who
        floods one holds up nobody at another.
        """
        tasks: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            try:
                while True:
                    frames = await socket.recv_multipart(copy=False)
                    caller = door(frames[-1])
                    envelope, body = _opened([frame.bytes for frame in frames])
                    if len(tasks) >= self._most_at_once:
                        # Also the one place where a flood of quick requests lets them be answered.
                        await asyncio.wait(
                            tasks, timeout=_ROOM_WAIT, return_when=asyncio.FIRST_COMPLETED
                        )
                    if len(tasks) >= self._most_at_once:
                        _send(socket, envelope, _busy(body))
                        continue
                    task = group.create_task(self._serve_one(socket, envelope, body, caller))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
            finally:
                if tasks:
                    await asyncio.wait(tasks, timeout=_LAST_WORDS)
                for task in tasks:
                    task.cancel()

    async def _serve_one(
        self,
        socket: zmq.asyncio.Socket,
        envelope: list[bytes],
        body: list[bytes],
        caller: Caller | None,
    ) -> None:
        if len(body) != 1:
            problem = Refusal(
                ReplyCode.BAD_MESSAGE, f"a request is one part, these are {len(body)}"
            )
            _send(socket, envelope, encode_reply(Reply("", error=problem)))
            return
        _send(socket, envelope, await self.answer(body[0], caller))

    async def answer(self, raw: bytes, caller: Caller | None = LOCAL) -> bytes:
        """The reply to `raw`: a request, a legacy order or anything else. No caller: let in no
        more."""
        order = parse_order(raw)
        id = ""
        try:
            if order is not None:
                return encode_answer(order, await self._answer_order(order.request, caller))
            request = parse_request(raw)
            id = request.id
            return await self._answer(request, caller)
        except BadMessage as error:
            return encode_reply(
                Reply(error.id, error=Refusal(error.code, error.message, error.hint))
            )
        except Exception:  # of the memory, or a result that JSON cannot hold
            _log.exception("a request could not be answered")
            return encode_reply(_internal(id))

    async def _answer_order(self, request: Request, caller: Caller | None) -> Reply:
        try:
            permitted = self._check(request, caller, order=True)
        except ControlError as error:
            return _refused(request.id, error)
        return await self._carry_out(permitted)

    async def _answer(self, request: Request, caller: Caller | None) -> bytes:
        try:
            # Before an earlier answer is looked up: a caller without the permission must not be
            # told how the request went when another caller made it.
            permitted = self._check(request, caller, order=False)
        except ControlError as error:
            return encode_reply(_refused(request.id, error))
        if request.id and permitted.command.changes:
            return await self._once(permitted)
        return encode_reply(await self._carry_out(permitted))

    async def _once(self, permitted: _Permitted) -> bytes:
        """The answer of the first request with this id. A refused one changed nothing and may come
        again."""
        id = permitted.request.id
        first = self._under_way.get(id)
        if first is not None:
            return await asyncio.shield(first)
        answer = self._under_way[id] = asyncio.get_running_loop().create_future()
        try:
            raw = await self._offload(self._done.get, id)
            if raw is None:
                reply = await self._carry_out(permitted)
                raw = encode_reply(reply)
                if reply.error is None:
                    await self._offload(self._done.put, id, raw)
            answer.set_result(raw)
            return raw
        finally:
            del self._under_way[id]
            if not answer.done():
                answer.set_result(encode_reply(_internal(id)))

    async def _carry_out(self, permitted: _Permitted) -> Reply:
        request, caller, command = permitted.request, permitted.caller, permitted.command
        if self._audit is None or not command.changes:
            return await self._handled(permitted)
        number = await self._begun(self._audit, caller, command, request)
        reply = await self._handled(permitted)
        about = {"command": request.cmd, "job": request.args.get("job") or ""}
        outcome = DONE if reply.error is None else str(reply.error.code)
        _log.info("%s by %s: %s", request.cmd, caller.who, outcome, extra=about)
        if number is not None:
            await self._ended(self._audit, number, reply)
        return reply

    def _check(self, request: Request, caller: Caller | None, *, order: bool) -> _Permitted:
        """What carries the request out. Raises ControlError when nothing does, or when this caller
        has no permission."""
        if caller is None:
            raise let_in_no_more()
        route = self._routes.get(request.cmd)
        if route is None:
            raise self._unknown(request.cmd)
        check_role(caller, route.command, order=order)
        return _Permitted(request, caller, route, route.command.decode(request.args))

    async def _handled(self, permitted: _Permitted) -> Reply:
        request, route = permitted.request, permitted.route
        try:
            return Reply(request.id, await route.handler(permitted.args))
        except ControlError as error:
            return _refused(request.id, error)
        except ProblemError as error:
            problem = error.problem
            return Reply(
                request.id, error=Refusal(problem.code_text, problem.message, problem.hint)
            )
        except Exception:
            _log.exception("%s failed", request.cmd)
            return _internal(request.id)

    # A full disk must not keep anybody from pausing a job or ending the daemon: what cannot be
    # written to the audit goes to the log.

    async def _begun(
        self, audit: AuditLog, caller: Caller, command: Command[Any], request: Request
    ) -> int | None:
        args = written(command, request.args)
        try:
            return await self._offload(audit.begin, caller.who, request.cmd, args)
        except ProblemError as error:
            _log.error(
                "the audit cannot be written (%s): %s %s by %s",
                error,
                request.cmd,
                args,
                caller.who,
            )
            return None

    async def _ended(self, audit: AuditLog, number: int, reply: Reply) -> None:
        outcome = str(reply.error.code) if reply.error is not None else DONE
        try:
            await self._offload(audit.end, number, outcome)
        except ProblemError as error:
            _log.error(
                "the audit cannot be written (%s): number %d ended with %s", error, number, outcome
            )

    def _unknown(self, cmd: str) -> ControlError:
        hint = (
            did_you_mean(cmd, self._routes, RENAMED_COMMANDS) or "`hello` lists what is supported"
        )
        return ControlError(ReplyCode.UNKNOWN_COMMAND, f'there is no command "{cmd}"', hint)


def _refused(id: str, error: ControlError) -> Reply:
    return Reply(id, error=Refusal(error.code, error.message, error.hint))


def _internal(id: str) -> Reply:
    return Reply(
        id, error=Refusal(ReplyCode.INTERNAL, "something went wrong inside", "its log says what")
    )


def _busy(body: list[bytes]) -> bytes:
    try:
        id = parse_request(body[0]).id if len(body) == 1 else ""
    except BadMessage as error:
        id = error.id
    return encode_reply(
        Reply(id, error=Refusal(ReplyCode.BUSY, "too many requests at once", "try again"))
    )


def _opened(frames: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Envelope and body. A REQ puts an empty frame between, a DEALER may leave it out (RFC
    28/REQREP)."""
    if b"" in frames[1:]:
        start = frames.index(b"", 1) + 1
        return frames[:start], frames[start:]
    return frames[:1], frames[1:]


def _send(socket: zmq.asyncio.Socket, envelope: list[bytes], reply: bytes) -> None:
    """Never waits: who sends and does not read, or has gone, loses the answer and delays nobody."""
    failure = socket.send_multipart([*envelope, reply], zmq.DONTWAIT).exception()  # type: ignore[attr-defined]
    if failure is not None:
        _log.debug("an answer could not be sent: %s", failure)
