"""The page's HTTP API (docs/web.md): each request is checked before anything else is done."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

from aiohttp import web

from cargo_ctl.web import commands
from cargo_ctl.web.accounts import WebAccounts
from cargo_ctl.web.answers import LARGEST_BODY, RefusedRequest, answer, body_of, only, text_of
from cargo_ctl.web.errors import UNANSWERED, refusal
from cargo_ctl.web.fleet import Fleet
from cargo_ctl.web.pace import LoginPace
from cargo_ctl.web.reachable import Reachable
from cargo_ctl.web.sessions import LASTS, LoginLink, WebSession, WebSessions
from cargo_ctl.web.settings import WebUser
from cargo_ctl.web.stream import WebStream
from cargo_ctl.web.viewer import cursors
from cargo_ctl.web.views import View, ViewKind
from cargo_sync.api.messages import LONGEST_COMMAND, LONGEST_ID, Principal, Refusal
from cargo_sync.api.page_files import PageFile
from cargo_sync.api.web_headers import NOT_STORED, PAGE_HEADERS

SHELL: Final = "jobs.html"
FOLDERS: Final = ("common", "jobs", "servers")
"""The files of the page."""
STREAMS: Final = 8
"""Feeds of one session at the same time."""
_LONGEST_NAME: Final = 1024
_LONGEST_PASSWORD: Final = 4096
_LOGINS_AT_ONCE: Final = 2
"""Each takes 64 MiB for a moment."""
_BEARER: Final = "Bearer "

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger(__name__)


class WebRoutes:
    """Answers the requests of browsers.

    fleet      the daemons and servers
    files      of the page, by path
    reachable  the page's own addresses
    accounts   who may log in
    sessions   who is logged in
    link       the key of the link; None if there is no link
    used       called when the key of the link was used
    now        steady seconds
    """

    def __init__(
        self,
        fleet: Fleet,
        files: Mapping[str, PageFile],
        reachable: Reachable,
        accounts: WebAccounts,
        sessions: WebSessions,
        link: LoginLink | None,
        used: Callable[[], None],
        now: Callable[[], float],
    ) -> None:
        self._fleet = fleet
        self._files = files
        self._reachable = reachable
        self._accounts = accounts
        self._sessions = sessions
        self._link = link
        self._used = used
        self._now = now
        self._pace = LoginPace()
        self._checking = asyncio.Semaphore(_LOGINS_AT_ONCE)
        self._streams: Counter[str] = Counter()

    def application(self) -> web.Application:
        """Everything together."""
        app = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._guard])
        app.on_response_prepare.append(_finish)
        app.add_routes(
            [
                web.get("/", partial(self._file, name=SHELL)),
                web.get("/page/{name:.+}", self._file_named),
                web.post("/api/enter", self._enter),
                web.post("/api/login", self._login),
                web.post("/api/leave", self._logged_in(self._leave)),
                web.get("/api/sources", self._logged_in(self._sources)),
                web.post("/api/command", self._logged_in(self._command)),
                web.get("/api/feed", self._logged_in(self._feed)),
            ]
        )
        return app

    # -- what holds for every request --------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            self._check_address(request)
            return await handler(request)
        except RefusedRequest as error:
            return error.response()
        except web.HTTPNotFound:
            return RefusedRequest(404, "unknown", "there is nothing at this address").response()
        except web.HTTPMethodNotAllowed as error:
            found = RefusedRequest(405, "method", f"{request.method} does not work here").response()
            found.headers["Allow"] = error.headers["Allow"]
            return found
        except ConnectionError:
            raise  # the browser has gone
        except Exception:
            _log.exception("a request could not be answered")
            return RefusedRequest(500, "internal", "internal error", "see the log").response()

    def _check_address(self, request: web.Request) -> None:
        """Refuses other names of ours, and requests of other pages. Raises RefusedRequest."""
        if request.headers.get("Host", "").lower() not in self._reachable.hosts:
            raise RefusedRequest(
                403,
                "forbidden",
                "the page does not have this address",
                "use the address that `cargo_ctl web` says, or give this one with --origin",
            )
        origin = request.headers.get("Origin")
        if origin is None and request.method in ("GET", "HEAD"):
            return  # a browser sends it with every POST
        if origin is None or origin.lower() not in self._reachable.origins:
            raise RefusedRequest(
                403,
                "forbidden",
                "this request is not from the page itself",
                "behind a proxy, give the page's address with --origin",
            )

    def _logged_in(
        self, handler: Callable[[web.Request, WebSession, str], Awaitable[web.StreamResponse]]
    ) -> _Handler:
        """A handler for requests with a session; it gets the session and its bearer too."""

        async def checked(request: web.Request) -> web.StreamResponse:
            header = request.headers.get("Authorization", "")
            bearer = header.removeprefix(_BEARER) if header.startswith(_BEARER) else ""
            session = self._sessions.find(bearer)
            if session is None:
                raise RefusedRequest(
                    401,
                    "unauthorized",
                    "you are not logged in, or your session has ended",
                    "log in again",
                )
            return await handler(request, session, bearer)

        return checked

    # -- the page ----------------------------------------------------------------------------------

    async def _file_named(self, request: web.Request) -> web.Response:
        return await self._file(request, name=request.match_info["name"])

    async def _file(self, request: web.Request, *, name: str) -> web.Response:
        file = self._files.get(name)
        if file is None or (name == SHELL and request.path != "/"):
            raise web.HTTPNotFound
        found = file.answer(request.headers)
        return web.Response(body=found.body, status=found.status, headers=found.headers)

    # -- logging in --------------------------------------------------------------------------------

    async def _enter(self, request: web.Request) -> web.Response:
        fields = await body_of(request)
        only(fields, "key")
        key = text_of(fields, "key", _LONGEST_PASSWORD)
        self._check_pace(None, request)
        if self._link is None or not self._link.take(key):
            self._pace.failed(None, self._client(request), self._now())
            raise RefusedRequest(
                401,
                "unauthorized",
                "this link was used already, or is too old",
                "run `cargo_ctl web` again: it says the link that works now",
            )
        self._used()
        return self._opened(request, None)

    async def _login(self, request: web.Request) -> web.Response:
        fields = await body_of(request)
        only(fields, "user", "password")
        user = text_of(fields, "user", _LONGEST_NAME)
        password = text_of(fields, "password", _LONGEST_PASSWORD)
        self._check_pace(user, request)
        async with self._checking:
            self._check_pace(user, request)  # others may have failed meanwhile
            found = await asyncio.to_thread(self._accounts.check, user, password)
        if found is None:
            self._pace.failed(user, self._client(request), self._now())
            # What was typed as a name may be a password: only known names are logged.
            shown = user if user in self._accounts.users() else "an unknown user"
            _log.warning("a wrong password for %s from %s", shown, self._client(request))
            raise RefusedRequest(401, "unauthorized", "the name or the password is wrong")
        return self._opened(request, found)

    def _client(self, request: web.Request) -> str:
        """The address of the person, also behind a trusted proxy."""
        peer, lines = request.remote or "", request.headers.getall("X-Forwarded-For", [])
        if doubt := self._reachable.proxies.doubt(peer, lines):
            _log.warning("%s", doubt)
        return self._reachable.proxies.client(peer, lines)

    def _check_pace(self, user: str | None, request: web.Request) -> None:
        wait = self._pace.wait(user, self._client(request), self._now())
        if wait > 0:
            message = "too many wrong passwords"
            hint = f"try again in {int(wait) + 1} s"
            raise RefusedRequest(429, "throttled", message, hint, after=wait)

    def _opened(self, request: web.Request, user: WebUser | None) -> web.Response:
        bearer, session = self._sessions.open(user)
        self._pace.succeeded(session.user, self._client(request))
        client = self._client(request)
        _log.info("%s logged in from %s, role %s", session.user, client, session.role)
        return answer(
            {
                "bearer": bearer,
                "user": session.user,
                "role": str(session.role),
                "expires_in": LASTS,
            }
        )

    async def _leave(self, request: web.Request, _session: WebSession, bearer: str) -> web.Response:
        only(await body_of(request))
        self._sessions.end(bearer)
        return answer({})

    # -- daemons and servers -----------------------------------------------------------------------

    async def _sources(
        self, _request: web.Request, session: WebSession, _bearer: str
    ) -> web.Response:
        rows = []
        for source in await self._fleet.look():
            presence = source.presence
            rows.append(
                {
                    "source": source.name,
                    "kind": presence.kind,
                    "name": source.name,
                    "host": presence.host,
                    "state": "up" if presence.up else "away",
                    "detail": presence.detail,
                    "version": presence.version,
                    "role": str(commands.lower(session.role, source.role)),
                }
            )
        return answer({"sources": rows})

    async def _command(
        self, request: web.Request, session: WebSession, _bearer: str
    ) -> web.Response:
        command = _command_of(await body_of(request))
        source = self._fleet.sources.get(command.source)
        if source is None:
            message = f'the page has no daemon or server "{command.source}"'
            return answer(commands.reply_refused(Refusal("unknown_source", message)))
        if (refused := commands.check(session.role, command.cmd)) is not None:
            return answer(commands.reply_refused(refused))
        try:
            result = await source.call(
                command.cmd,
                command.args,
                id=command.id if commands.changes(command.cmd) else "",
                person=Principal(session.user, session.role),
            )
        except UNANSWERED as error:
            return answer(commands.reply_refused(refusal(error, source.kind)))
        return answer(commands.reply_of(result))

    async def _feed(
        self, request: web.Request, _session: WebSession, bearer: str
    ) -> web.StreamResponse:
        view = self._view_of(request.query)
        followed = self._fleet.of(view)
        if self._streams[bearer] >= STREAMS:
            hint = "close other tabs of the page"
            raise RefusedRequest(429, "throttled", "too many streams", hint, after=1.0)
        response = web.StreamResponse(
            headers={**NOT_STORED, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        after = cursors(request.headers.get("Last-Event-ID", ""))
        goes_on = partial(self._is_open, bearer)
        self._streams[bearer] += 1
        try:
            await response.prepare(request)
            assert request.transport is not None, "the response has begun"
            await WebStream(view, followed, after, goes_on).run(response, request.transport.abort)
        finally:
            self._streams[bearer] -= 1
            self._streams += Counter()  # forgets sessions without streams
        return response

    def _is_open(self, bearer: str) -> bool:
        return self._sessions.find(bearer) is not None

    def _view_of(self, query: Mapping[str, str]) -> View:
        try:
            kind = ViewKind(query.get("view", ""))
        except ValueError:
            names = ", ".join(ViewKind)
            raise RefusedRequest(400, "bad_request", f'"view" must be one of {names}') from None
        source, job = query.get("source", ""), query.get("job", "")
        one = kind in (ViewKind.JOB, ViewKind.SERVER)
        if one and source not in self._fleet.sources:
            raise RefusedRequest(404, "unknown_source", "the page has no such daemon or server")
        if kind is ViewKind.JOB and not job:
            raise RefusedRequest(400, "bad_request", '"job" must be the name of a job')
        return View(kind, source if one else "", job if kind is ViewKind.JOB else "")


def _command_of(fields: Mapping[str, object]) -> commands.WebCommand:
    """The command in a body. Raises RefusedRequest."""
    only(fields, "source", "cmd", "args", "id")
    args = fields.get("args", {})
    if not isinstance(args, dict):
        raise RefusedRequest(400, "bad_request", '"args" must be an object')
    id = fields.get("id", "")
    if not isinstance(id, str) or len(id) > LONGEST_ID:
        raise RefusedRequest(
            400, "bad_request", f'"id" must be text of at most {LONGEST_ID} characters'
        )
    source = text_of(fields, "source", _LONGEST_NAME)
    return commands.WebCommand(source, text_of(fields, "cmd", LONGEST_COMMAND), args, id)


async def _finish(_: web.Request, response: web.StreamResponse) -> None:
    """The headers of every answer."""
    response.headers.update(PAGE_HEADERS)
    response.headers["Server"] = "cargo"
