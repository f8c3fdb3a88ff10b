"""A whole server but for its lanes, over real folders: users ana and ben, and what they share."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson
import yarl
from multidict import CIMultiDict

from cargo_sync.api.proxies import Proxies
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.config.grants import Grant, grant
from cargo_sync.config.secret import Secret
from cargo_sync.config.server import UserSettings, WorkspaceSettings
from cargo_sync.control.audit import AuditWriter, MemoryAudit
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import CheckpointStore, MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.model.world import World
from cargo_sync.process.doors import Doors
from cargo_sync.process.http.listener import HttpListener
from cargo_sync.server.accounts.access import Grants
from cargo_sync.server.accounts.invitations import Devices, Invitations
from cargo_sync.server.accounts.logins import Logins
from cargo_sync.server.accounts.permits import Permits
from cargo_sync.server.accounts.roster import Roster
from cargo_sync.server.accounts.users import User, Users
from cargo_sync.server.flows.flows import FlowRequest, LaneAddress, OpenedFlow
from cargo_sync.server.history.downloads import Downloads
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.browsing.polls import Polls
from cargo_sync.server.http.content.tickets import Tickets
from cargo_sync.server.http.content.unfinished import Uploads
from cargo_sync.server.http.gateway import ApiParts, Gateway
from cargo_sync.server.refusals import unknown
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder, FolderClaim
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.rows.tree import Changed
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.clients import Clients
from cargo_sync.state.database import Database
from cargo_sync.state.devices import DeviceRows
from cargo_sync.state.displaced import DisplacedRows
from cargo_sync.state.drop_boxes import DropIntents
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.invitations import InvitationRows
from cargo_sync.state.node_invitations import NodeInvitationRows
from cargo_sync.state.nodes import NodeRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.uploads import UploadRows
from cargo_sync.stores.folder import FolderStore
from cargo_sync.stores.nodes.pairing import NodePairing
from cargo_sync.wire.handshake import LaneKeys
from tests.offloads import inline
from tests.server.surroundings import CHEAP, Book, Clock, entropy

NOW = 1_700_000_000.0
PASSWORDS = {"ana": "correct horse", "ben": "battery staple"}


def tokens() -> Callable[[], str]:
    """Ids that differ from call to call and not from run to run."""
    fresh = entropy()
    return lambda: fresh(16).hex()


@dataclass(slots=True)
class Heard:
    """What a workspace announced."""

    paths: list[str] = field(default_factory=list)

    def __call__(self, workspace: int, changed: Sequence[str]) -> None:
        self.paths += changed


def tracked(
    folder: Path,
    database: Database,
    wall: Callable[[], float],
    changed: Changed | None = None,
    checkpoints: CheckpointStore | None = None,
    hold: FolderClaim | None = None,
) -> CataloguedFolder:
    """A folder with its catalogue, attached if nobody else can hold it."""
    token = tokens()
    open_store = partial(
        FolderStore.open,
        str(folder),
        token=token,
        checkpoints=checkpoints or MemoryCheckpoints(),
        space=SpaceLedger(),
        ages=MemoryAges(wall),
        wall=wall,
    )
    one = CataloguedFolder(
        str(folder),
        StoredCatalogue(database, HistoryRows(database, wall, wall)),
        partial(DisplacedRows, database, wall=wall, lived=wall),
        open_store,
        token,
        changed or Heard(),
        lambda told: None,
        wall,
        hold,
    )
    if hold is None:
        one.attach()
    return one


class FlowsHeard:
    """Flows that only write down what they are asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def open(self, user: User, request: FlowRequest) -> OpenedFlow:
        self.asked.append(("open", user.name, request))
        keys = LaneKeys(b"t", b"a", b"u", b"d") if request.sealed else LaneKeys(b"t", b"a")
        return OpenedFlow("f1", LaneAddress("", 8444), keys, request.speed, Lineage("a lineage", 1))

    async def speed(self, user: User, id: str, bps: int | None) -> int | None:
        self.asked.append(("speed", user.name, id, bps))
        return bps

    async def end(self, user: User, id: str) -> None:
        if id != "f1":
            raise unknown("such flow")
        self.asked.append(("end", user.name, id))


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        """Of an error."""
        return str(self.json["error"]["code"])


Headers = Mapping[str, str] | None


class HouseUsers:
    """Changes of users without a file and rows: only logins end."""

    def __init__(self, logins: Logins, permits: Permits) -> None:
        self.changing = asyncio.Lock()
        self.roster = Roster()
        self._logins = logins
        self._permits = permits

    async def refresh(self, ended: frozenset[str] = frozenset()) -> None:
        self._logins.forget(ended)
        self._permits.end_of(ended)


class House:
    """The server and a client. `ana`, `ben` and `shared` are the folders; ben may only read the
    last."""

    def __init__(self, place: Path, database: Database) -> None:
        self.database = database
        self.clock, self.wall = Clock(), Clock(NOW)
        self.polls = Polls(asyncio.get_running_loop())
        self.flows = FlowsHeard()
        self.doors = Doors()
        self.spaces = Grants(DropIntents(database))
        self.book = Book()
        self.users = Users(self.book, CHEAP, inline, self.wall)
        self.permits = Permits(self.spaces, self.users.refusal)
        self.devices = DeviceRows(database)
        known = Devices(self.devices, self.users, self.wall)
        self.entered: list[tuple[str, str]] = []
        self.sessions = Logins(self.users, known, self.clock, entropy(), self._entered)
        self.changes = HouseUsers(self.sessions, self.permits)
        self.audit = MemoryAudit()
        self.told: list[tuple[str, str]] = []
        self.invitations = Invitations(
            InvitationRows(database),
            self.devices,
            self.book,
            self.users,
            self.sessions,
            self.changes,
            AuditWriter(self.audit, inline),
            World(self.wall, self.clock, lambda: 0.5, tokens(), inline, self.wall),
            lambda user, kind: self.told.append((user, kind)),
        )
        self.nodes = NodeRows(database)
        self.joined: list[str] = []
        self.pairing = NodePairing(
            NodeInvitationRows(database),
            self.nodes,
            self.sessions.prove,
            AuditWriter(self.audit, inline),
            World(self.wall, self.clock, lambda: 0.5, tokens(), inline, self.wall),
            self.joined.append,
        )
        self.clients = Clients(database, self.wall)
        self.folders = {name: place / name for name in ("ana", "ben", "shared")}
        self.checkpoints = checkpoints = Checkpoints(database, self.wall)
        self._tracked = {
            str(folder): tracked(folder, database, self.wall, self.polls.changed, checkpoints)
            for folder in self.folders.values()
        }
        token = tokens()
        rows = UploadRows(database, self.wall)
        self.uploads = Uploads(rows, checkpoints, token, self.clock)
        self.workspaces: dict[str, Workspace] = {
            path: FolderWorkspace(one, token) for path, one in self._tracked.items()
        }
        self.world = World(self.wall, self.clock, lambda: 0.5, token, inline, self.wall)
        self.history = HistoryRows(database, self.wall, self.wall)
        self.downloads = Downloads(self.history, lambda told: None, self.world)
        self._tokens: dict[str, str] = {}

    async def _entered(self, user: str, address: str) -> None:
        self.entered.append((user, address))

    async def open(self, prefix: str = "", proxies: Sequence[str] = ()) -> None:
        settings = [
            UserSettings(name, str(self.folders[name]), Secret(password))
            for name, password in PASSWORDS.items()
        ]
        await self.users.apply(settings)
        self._own = settings
        self.changes.roster = Roster(tuple(settings))
        self.share({"ana": "rw", "ben": "ro"})
        parts = ApiParts(
            entrance=Authentication(self.sessions, self.spaces, self.permits, Proxies(proxies)),
            spaces=self.spaces,
            polls=self.polls,
            flows=self.flows,
            uploads=self.uploads,
            tickets=Tickets(self.clock, tokens()),
            clients=self.clients,
            invitations=self.invitations,
            pairing=self.pairing,
            audit=AuditWriter(self.audit, inline),
            downloads=self.downloads,
            world=self.world,
            contents=inline,
        )
        self.gateway = gateway = Gateway(parts, prefix)
        self._listener = HttpListener(gateway.application(), None, self.doors)
        self.port = await self._listener.start("127.0.0.1", 0)
        self._client = aiohttp.ClientSession(f"http://127.0.0.1:{self.port}")

    def share(self, grants: Mapping[str, str | Grant]) -> None:
        """Grants the shared folder anew, as a command does."""
        given = {
            user: one if isinstance(one, Grant) else grant(one) for user, one in grants.items()
        }
        shared = WorkspaceSettings("shared", str(self.folders["shared"]), given)
        self.spaces.apply(self._own, [shared], self.workspaces.__getitem__)
        self.permits.renew()

    async def close(self) -> None:
        await self._client.close()
        await self._listener.close()
        for workspace in self.workspaces.values():
            workspace.close()

    def workspace(self, name: str) -> FolderWorkspace:
        found = self.workspaces[str(self.folders[name])]
        assert isinstance(found, FolderWorkspace)
        return found

    def intake(self, name: str) -> None:
        """Takes in what was put into a folder, as a scan does."""
        pending = [""]
        while pending:
            pending += self.workspace(name).compare(pending.pop(), lambda path, entry: True).below

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        user: str = "ana",
        headers: Headers = None,
        redirects: bool = True,
    ) -> "Answer":
        """A call of the API with the user's token, or with none for ""."""
        sent = CIMultiDict(headers or {})
        if user:
            sent.setdefault("Authorization", f"Bearer {await self.token(user)}")
        raw = isinstance(body, bytes | io.IOBase | AsyncIterator) or body is None
        content = body if raw else orjson.dumps(body)
        # What is sent is what was written: no dots are resolved, nothing is quoted again.
        url = yarl.URL(path, encoded=True)
        async with self._client.request(
            method, url, data=content, headers=sent, allow_redirects=redirects
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def token(self, user: str) -> str:
        if user not in self._tokens:
            login = await self.sessions.login(user, PASSWORDS[user], "127.0.0.1")
            self._tokens[user] = login.token
        return self._tokens[user]


@asynccontextmanager
async def living(
    place: Path, prefix: str = "", proxies: Sequence[str] = ()
) -> AsyncIterator[House]:
    """A house that stands in `place` until it is left."""
    with SqliteDatabase.open(str(place / "state.db"), "server") as database:
        house = House(place, database)
        await house.open(prefix, proxies)
        try:
            yield house
        finally:
            await house.close()
