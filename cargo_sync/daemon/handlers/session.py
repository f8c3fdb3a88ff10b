"""`session.…`: the interactive client's logins, listings and transfers."""

from collections.abc import Awaitable, Callable
from typing import Any

from cargo_sync.api.daemon_commands import LONGEST_PAGE
from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.config.units import parse_rate
from cargo_sync.control.router import Handler
from cargo_sync.daemon.sessions.hints import in_a_session
from cargo_sync.daemon.sessions.login import seen
from cargo_sync.daemon.sessions.registry import Sessions
from cargo_sync.daemon.sessions.remote import Remote
from cargo_sync.daemon.sessions.session import Session
from cargo_sync.daemon.sessions.transfer import CopyOrder
from cargo_sync.model.problems import ProblemError

Enter = Callable[[dict[str, Any]], Awaitable[Remote]]
"""The arguments of `session.open` -> the other end, logged in."""


class SessionHandlers:
    """Carries out what a person orders in a session."""

    def __init__(self, sessions: Sessions, enter: Enter) -> None:
        self._sessions = sessions
        self._enter = enter

    def table(self) -> dict[str, Handler]:
        handlers: dict[str, Handler] = {
            "session.look": self.look,
            "session.open": self.open,
            "session.use": self.use,
            "session.show": self.show,
            "session.list": self.listing,
            "session.stat": self.stat,
            "session.get": self.get,
            "session.put": self.put,
            "session.mkdir": self.mkdir,
            "session.delete": self.delete,
            "session.move": self.move,
            "session.speed": self.speed,
            "session.cancel": self.cancel,
            "session.close": self.close,
        }
        return {name: _worded(handler) for name, handler in handlers.items()}

    async def look(self, args: dict[str, Any]) -> dict[str, Any]:
        return (await seen(args["url"]))._asdict()

    async def open(self, args: dict[str, Any]) -> dict[str, Any]:
        self._sessions.check_room()
        return self._sessions.add(await self._enter(args)).row()

    async def use(self, args: dict[str, Any]) -> dict[str, Any]:
        there = self._sessions.get(args["session"]).there
        await there.use(args["workspace"])
        return {"workspace": there.space.name, "access": there.space.access}

    async def show(self, args: dict[str, Any]) -> dict[str, Any]:
        session = self._sessions.get(args["session"])
        return session.row() | {"transfers": session.transfers()}

    async def listing(self, args: dict[str, Any]) -> dict[str, Any]:
        there = self._sessions.get(args["session"]).there
        return await there.listing(
            args["path"], args.get("after", ""), args.get("limit", LONGEST_PAGE)
        )

    async def stat(self, args: dict[str, Any]) -> dict[str, Any]:
        return await self._sessions.get(args["session"]).there.stat(args["path"])

    async def get(self, args: dict[str, Any]) -> dict[str, Any]:
        session = self._sessions.get(args["session"])
        return await _begun(session, _order("get", args, args["remote"]), session.there.get)

    async def put(self, args: dict[str, Any]) -> dict[str, Any]:
        session = self._sessions.get(args["session"])
        return await _begun(session, _order("put", args, args.get("remote", "")), session.there.put)

    async def mkdir(self, args: dict[str, Any]) -> dict[str, Any]:
        await self._sessions.get(args["session"]).there.mkdir(args["path"])
        return {}

    async def delete(self, args: dict[str, Any]) -> dict[str, Any]:
        there = self._sessions.get(args["session"]).there
        return {
            "displaced": await there.delete(args["path"], recursive=args.get("recursive", False))
        }

    async def move(self, args: dict[str, Any]) -> dict[str, Any]:
        await self._sessions.get(args["session"]).there.move(args["path"], args["to"])
        return {}

    async def speed(self, args: dict[str, Any]) -> dict[str, Any]:
        session = self._sessions.get(args["session"])
        session.there.check_speed()
        try:
            session.speed = None if args["speed"] is None else parse_rate(args["speed"])
        except ValueError as error:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, str(error), 'such as "10mbps"; null for no limit'
            ) from None
        await session.share()
        return {name: session.row()[name] for name in ("speed", "granted")}

    async def cancel(self, args: dict[str, Any]) -> dict[str, Any]:
        await self._sessions.get(args["session"]).cancel(args["transfer"])
        return {}

    async def close(self, args: dict[str, Any]) -> dict[str, Any]:
        await self._sessions.close(self._sessions.get(args["session"]).id)
        return {}


async def _begun(
    session: Session, order: CopyOrder, make: Callable[[CopyOrder], Awaitable[Any]]
) -> dict[str, Any]:
    return {"transfer": (await session.begin(order, make)).id}


def _order(verb: str, args: dict[str, Any], remote: str) -> CopyOrder:
    return CopyOrder(
        verb, remote, args["local"], args.get("recursive", False), args.get("overwrite", False)
    )


def _worded(handler: Handler) -> Handler:
    """A problem is told as it concerns a person at a prompt."""

    async def handled(args: dict[str, Any]) -> Any:
        try:
            return await handler(args)
        except ProblemError as error:
            raise ProblemError(in_a_session(error.problem)) from error

    return handled
