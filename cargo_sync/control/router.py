"""Commands: each message gets one reply, and none can harm the process or delay another.

`answer` makes a reply from a request, bytes to bytes, without a socket; `serve` is the loop around
it. The socket is a ROUTER: it serves REQ and DEALER clients, and unlike a REP it does not get stuck
if one of them goes away.
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
from cargo_sync.control.audit import DONE, AuditLog, AuditWriter, written
from cargo_sync.control.binding import SocketSetup, bound, no_setup
from cargo_sync.control.callers import (
    LOCAL,
    Caller,
    CallerOf,
    check_role,
    local_door,
    revoked,
)
from cargo_sync.control.once import Deduplicate
from cargo_sync.control.routes import Route
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload, T, Ts
from cargo_sync.process.tasks import contained
from cargo_sync.process.wakeup import next_turn
from cargo_sync.suggest import did_you_mean

LARGEST_MESSAGE = 1024 * 1024
_MOST_AT_ONCE = 64
_UNREAD_REQUESTS = 16
_UNSENT_REPLIES = 64
"""Both per client: one that floods waits, and one that does not read its replies loses them."""
_ROOM_WAIT = 0.05
_LAST_WORDS = 1.0

_log = logging.getLogger(__name__)


async def _inline(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return work(*args)


def bind_commands(
    context: zmq.asyncio.Context,
    address: str,
    prepare: SocketSetup = no_setup,
) -> zmq.asyncio.Socket:
    """A ROUTER bound to `address`, with limits on the memory that clients can make it use.

    `prepare` may set more options before it is bound. Raises ZMQError.
    """
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.RCVHWM, _UNREAD_REQUESTS)
    socket.setsockopt(zmq.SNDHWM, _UNSENT_REPLIES)
    return bound(socket, address, prepare)


class _Permitted(NamedTuple):
    """A checked request that its caller may make, with decoded arguments."""

    request: Request
    caller: Caller
    route: Route[Any]
    args: Args

    @property
    def command(self) -> Command[Any]:
        return self.route.command


class Router:
    """Dispatches requests to handlers.

    routes        by name of the command
    done          replies to earlier commands; a repeated id gets the same reply
    audit         gets all commands that change something; None for no audit
    offload       runs the calls of `done` and `audit`, in a thread if they may wait for a disk or a
                  lock
    most_at_once  requests that are answered at the same time; more get the error `busy`
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
        self._audit = AuditWriter(audit, offload) if audit is not None else None
        self._offload = offload
        self._most_at_once = most_at_once
        self._under_way: dict[str, asyncio.Future[bytes]] = {}

    async def serve(self, socket: zmq.asyncio.Socket, door: CallerOf = local_door) -> None:
        """Answers requests until cancelled; running ones then still have a second.

        Several sockets may be served at the same time. Each has its own limit of running requests,
        so that a client that floods one socket does not delay clients at another.
        """
        tasks: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            try:
                while True:
                    frames = await socket.recv_multipart(copy=False)
                    caller = door(frames[-1])
                    envelope, body = _opened([frame.bytes for frame in frames])
                    if len(tasks) >= self._most_at_once:
                        await asyncio.wait(
                            tasks, timeout=_ROOM_WAIT, return_when=asyncio.FIRST_COMPLETED
                        )
                    if len(tasks) >= self._most_at_once:
                        _send(socket, envelope, _busy(body))
                        continue
                    answering = self._serve_one(socket, envelope, body, caller)
                    task = group.create_task(contained(answering, "a request"))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                    await next_turn()  # in a flood of requests `recv_multipart` never waits
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
                ReplyCode.BAD_MESSAGE, f"a request must have one part, this has {len(body)}"
            )
            _send(socket, envelope, encode_reply(Reply("", error=problem)))
            return
        _send(socket, envelope, await self.answer(body[0], caller))

    async def answer(self, raw: bytes, caller: Caller | None = LOCAL) -> bytes:
        """The reply to `raw`, which may be a request, a legacy order or anything else.

        `caller` is None if the caller's key was revoked.
        """
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
        except Exception:  # the stored replies failed, or JSON cannot encode the result
            _log.exception("a request could not be answered")
            return encode_reply(_internal(id))

    async def _answer_order(self, request: Request, caller: Caller | None) -> Reply:
        try:
            permitted = self._check(request, caller, order=True)
        except ControlError as error:
            return _refused(request.id, error)
        return await self._execute(permitted)

    async def _answer(self, request: Request, caller: Caller | None) -> bytes:
        try:
            # Checked before an earlier reply is looked up: a caller without the permission must not
            # learn the result of another caller's request.
            permitted = self._check(request, caller, order=False)
        except ControlError as error:
            return encode_reply(_refused(request.id, error))
        if request.id and permitted.command.changes:
            return await self._once(permitted)
        return encode_reply(await self._execute(permitted))

    async def _once(self, permitted: _Permitted) -> bytes:
        """The reply to the first request with this id.

        The reply to a refused request is not stored: it changed nothing, and may be sent again.
        """
        id = permitted.request.id
        first = self._under_way.get(id)
        if first is not None:
            return await asyncio.shield(first)
        answer = self._under_way[id] = asyncio.get_running_loop().create_future()
        try:
            raw = await self._offload(self._done.get, id)
            if raw is None:
                reply = await self._execute(permitted)
                raw = encode_reply(reply)
                if reply.error is None:
                    await self._offload(self._done.put, id, raw)
            answer.set_result(raw)
            return raw
        finally:
            del self._under_way[id]
            if not answer.done():
                answer.set_result(encode_reply(_internal(id)))

    async def _execute(self, permitted: _Permitted) -> Reply:
        request, caller, command = permitted.request, permitted.caller, permitted.command
        if self._audit is None or not command.changes:
            return await self._handled(permitted)
        args = written(command, request.args)
        number = await self._audit.begin(caller.who, request.cmd, args)
        reply = await self._handled(permitted)
        about = {"command": request.cmd, "job": request.args.get("job") or ""}
        outcome = DONE if reply.error is None else str(reply.error.code)
        _log.info("%s by %s: %s", request.cmd, caller.who, outcome, extra=about)
        await self._audit.end(number, outcome)
        return reply

    def _check(self, request: Request, caller: Caller | None, *, order: bool) -> _Permitted:
        """Finds the route and decodes the arguments.

        Raises:
            ControlError: there is no such command, an argument is wrong, or the caller may not use
                the command.
        """
        if caller is None:
            raise revoked()
        if request.sent_for is not None:
            caller = caller.speaking_for(request.sent_for)
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

    def _unknown(self, cmd: str) -> ControlError:
        hint = did_you_mean(cmd, self._routes, RENAMED_COMMANDS) or "`hello` lists all commands"
        return ControlError(ReplyCode.UNKNOWN_COMMAND, f'there is no command "{cmd}"', hint)


def _refused(id: str, error: ControlError) -> Reply:
    return Reply(id, error=Refusal(error.code, error.message, error.hint))


def _internal(id: str) -> Reply:
    return Reply(
        id, error=Refusal(ReplyCode.INTERNAL, "internal error", "see the log of the process")
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
    """Envelope and body (RFC 28/REQREP).

    A REQ puts an empty frame between them; a DEALER may omit it.
    """
    if b"" in frames[1:]:
        start = frames.index(b"", 1) + 1
        return frames[:start], frames[start:]
    return frames[:1], frames[1:]


def _send(socket: zmq.asyncio.Socket, envelope: list[bytes], reply: bytes) -> None:
    """Sends a reply without waiting: a client that does not read, or has gone, loses it."""
    failure = socket.send_multipart([*envelope, reply], zmq.DONTWAIT).exception()  # type: ignore[attr-defined]
    if failure is not None:
        _log.debug("an answer could not be sent: %s", failure)
