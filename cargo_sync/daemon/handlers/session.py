"""`session.…`: logins, listings and transfers of the interactive client."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from cargo_sync.api import session_commands as commands
from cargo_sync.api.arguments import A
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.api.session_commands import OneSession
from cargo_sync.config.units import parse_speed
from cargo_sync.control import trash_views
from cargo_sync.control.routes import Route
from cargo_sync.daemon.sessions import views
from cargo_sync.daemon.sessions.registry import Sessions
from cargo_sync.daemon.sessions.remote import Remote
from cargo_sync.daemon.sessions.session import Session
from cargo_sync.daemon.sessions.transfer import CopyOrder, Work
from cargo_sync.model import paths
from cargo_sync.model.displaced import TrashFilter
from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.cargo.look import ServerLook

OpenRemote = Callable[[commands.SessionOpenArgs], Awaitable[Remote]]
"""Logs in at the server of a new session."""
LookAt = Callable[[str, str | None], Awaitable[ServerLook]]
"""Looks which server answers at an address, with a file of known hosts."""


class SessionHandlers:
    """Executes a person's commands in a session."""

    def __init__(self, sessions: Sessions, open_remote: OpenRemote, look_at: LookAt) -> None:
        self._sessions = sessions
        self._open_remote = open_remote
        self._look_at = look_at

    def routes(self) -> Sequence[Route[Any]]:
        return (
            _worded(Route(commands.LOOK, self.look)),
            _worded(Route(commands.OPEN, self.open)),
            _worded(Route(commands.USE, self.use)),
            _worded(Route(commands.SHOW, self.show)),
            _worded(Route(commands.LIST, self.listing)),
            _worded(Route(commands.STAT, self.stat)),
            _worded(Route(commands.GET, self.get)),
            _worded(Route(commands.PUT, self.put)),
            _worded(Route(commands.COPY, self.copy)),
            _worded(Route(commands.MKDIR, self.mkdir)),
            _worded(Route(commands.DELETE, self.delete)),
            _worded(Route(commands.TRASH, self.trash)),
            _worded(Route(commands.RESTORE, self.restore)),
            _worded(Route(commands.MOVE, self.move)),
            _worded(Route(commands.SPEED, self.speed)),
            _worded(Route(commands.CANCEL, self.cancel)),
            _worded(Route(commands.CLOSE, self.close)),
        )

    async def look(self, args: commands.SessionLookArgs) -> JsonObject:
        return views.look(await self._look_at(args.url, args.known_hosts))

    async def open(self, args: commands.SessionOpenArgs) -> JsonObject:
        self._sessions.check_room()
        return views.session(self._sessions.add(await self._open_remote(args)))

    async def use(self, args: commands.SessionUseArgs) -> JsonObject:
        remote = self._remote(args)
        await remote.use(args.workspace)
        return views.used(remote.space)

    async def show(self, args: OneSession) -> JsonObject:
        return views.whole(self._sessions.get(args.session))

    async def listing(self, args: commands.SessionListArgs) -> JsonObject:
        return views.page(await self._remote(args).listing(args.path, args.after, args.limit))

    async def stat(self, args: commands.SessionStatArgs) -> JsonObject:
        return views.item(await self._remote(args).stat(args.path))

    async def get(self, args: commands.SessionGetArgs) -> JsonObject:
        session = self._sessions.get(args.session)
        order = CopyOrder("get", args.remote, args.local, args.recursive, args.overwrite)
        return await _begun(session, order, session.remote.get)

    async def put(self, args: commands.SessionPutArgs) -> JsonObject:
        session = self._sessions.get(args.session)
        order = CopyOrder("put", args.remote, args.local, args.recursive, args.overwrite)
        return await _begun(session, order, session.remote.put)

    async def copy(self, args: commands.SessionCopyArgs) -> JsonObject:
        session, source = self._sessions.get(args.session), self._sessions.get(args.source)
        origin = "/".join(part for part in (source.remote.url, args.path) if part)
        order = CopyOrder(
            "copy", args.remote, args.path, args.recursive, args.overwrite, source.id, origin
        )
        return await _begun(session, order, partial(_from, source, session))

    async def mkdir(self, args: commands.SessionMkdirArgs) -> JsonObject:
        await self._remote(args).mkdir(args.path)
        return {}

    async def delete(self, args: commands.SessionDeleteArgs) -> JsonObject:
        displaced = await self._remote(args).delete(args.path, recursive=args.recursive)
        return {"displaced": displaced}

    async def trash(self, args: commands.SessionTrashArgs) -> JsonObject:
        wanted = TrashFilter(args.pattern, under=paths.check(args.under))
        page = await self._remote(args).trash(wanted, args.before, args.limit)
        return trash_views.page(page.rows, page.before, page.totals)

    async def restore(self, args: commands.SessionRestoreArgs) -> JsonObject:
        _, ids = trash_views.numbers("session.restore", args.ids)
        inside = paths.check(args.inside.strip("/"))
        results = await self._remote(args).restore(ids, inside)
        return {"results": trash_views.results(ids, results)}

    async def move(self, args: commands.SessionMoveArgs) -> JsonObject:
        await self._remote(args).move(args.path, args.to)
        return {}

    async def speed(self, args: commands.SessionSpeedArgs) -> JsonObject:
        session = self._sessions.get(args.session)
        session.remote.check_speed()
        try:
            session.speed = None if args.speed is None else parse_speed(args.speed)
        except ValueError as error:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, str(error), 'such as "10mbps"; null for no limit'
            ) from None
        return views.speed(session, await session.share())

    async def cancel(self, args: commands.SessionCancelArgs) -> JsonObject:
        await self._sessions.get(args.session).cancel(args.transfer)
        return {}

    async def close(self, args: OneSession) -> JsonObject:
        await self._sessions.close(self._sessions.get(args.session).id)
        return {}

    def _remote(self, args: OneSession) -> Remote:
        return self._sessions.get(args.session).remote


async def _begun(
    session: Session, order: CopyOrder, make: Callable[[CopyOrder], Awaitable[Work]]
) -> JsonObject:
    return {"transfer": (await session.begin(order, make)).id}


async def _from(source: Session, session: Session, order: CopyOrder) -> Work:
    return await session.remote.copy(order, source.remote)


def _worded(route: Route[A]) -> Route[A]:
    """Replaces the hints of problems by hints for a person at a prompt."""

    async def handled(args: A) -> JsonObject:
        try:
            return await route.handler(args)
        except ProblemError as error:
            raise ProblemError(views.in_a_session(error.problem)) from error

    return Route(route.command, handled)
