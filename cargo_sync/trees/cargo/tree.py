"""The far tree: a folder of a workspace on a Cargo server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from itertools import chain, compress, groupby, islice
from operator import attrgetter, eq
from typing import Any, Final, NamedTuple

from cargo_sync.local.trash import numbered
from cargo_sync.machines.client_fence import JobClient
from cargo_sync.machines.looks import AWAY
from cargo_sync.machines.newest_change import NOTHING_SEEN, Lineage, NewestChange, SeenChange
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges, OwnLog
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import FOLDER, PERMISSIONS, Entry
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.known_hashes import KnownHash
from cargo_sync.model.problems import Code, Problem, ProblemError, not_as_delivered
from cargo_sync.model.world import World
from cargo_sync.model.xattrs import Xattrs, no_room
from cargo_sync.trees.cargo import replies, requests
from cargo_sync.trees.cargo.api import LONG_POLL, Api, segment
from cargo_sync.trees.cargo.flows import JobFlows
from cargo_sync.trees.cargo.problems import bad_answer
from cargo_sync.trees.cargo.replies import (
    ROWS,
    ChangesReply,
    ResultReply,
    ResultsReply,
    SpaceReply,
    SpacesReply,
)
from cargo_sync.trees.cargo.requests import NO_CONTACT, Body, Contact
from cargo_sync.trees.contract import Brought, Delta, Ends, Observation, Task, Tasks
from cargo_sync.trees.cut_short import to_their_end, told
from cargo_sync.trees.recording import recorded

LISTED: Final = 100_000_000
"""The most rows that one look reads."""
LEAST_PAGE: Final = 100
"""The least rows of a page, behind a line that is cut again and again."""
OPERATIONS: Final = 2_000
SHOWN: Final = 20
"""How many workspaces of a user are named."""
NUMBERS: Final = 100
"""How many numbered names are tried if a name is taken."""


class CargoTree:
    """`folder` of `workspace`, as the user of `api` sees it.

    turn   entered while content moves, to limit how many jobs of a daemon move it at once
    flows  those that run now
    """

    def __init__(
        self,
        api: Api,
        workspace: str,
        folder: str,
        world: World,
        turn: AbstractAsyncContextManager[Any],
    ) -> None:
        self._api = api
        self._login = api.login
        self._workspace = workspace
        self._folder = folder
        self._world = world
        self.flows = JobFlows(api, world, turn, (workspace, folder))
        self._own = OwnLog()
        self._newest = NewestChange()
        self._first: _FirstPage | None = None
        self._upto = 0
        self._seen: int | None = None
        """Up to where the last look has seen the server."""
        self._page = ROWS
        self._base = f"/workspaces/{segment(workspace)}"

    @property
    def newest(self) -> SeenChange:
        return self._newest.change

    async def open(
        self,
        cursor: int = 0,
        newest: SeenChange = NOTHING_SEEN,
        client: JobClient | None = None,
    ) -> Identity:
        """Like FarTree.open. One request also brings the first page for `observe`."""
        self._api.hold(self)
        self._first, own = None, self._own.changes()
        try:
            page = await self._next_page(cursor, own, requests.contact(newest, client))
        except ProblemError as error:
            if error.problem.code not in AWAY:
                self._own.clear()
            if error.problem.code == Code.UNKNOWN:
                await self._space()  # it says which workspaces there are
            raise
        start = page.start
        if start.problem is not None:
            raise ProblemError(start.problem)
        lost = not start.has(newest) or (bool(own.left_out) and not page.own)
        self._newest.begin(NOTHING_SEEN if lost else newest, page.life)
        self._first = _FirstPage(cursor, own if page.own else NO_CHANGES, page)
        self._upto = start.sequence
        return Identity(
            self._root,
            start.epoch,
            page.floor,
            lost=lost,
            folds=start.folds,
            xattrs=start.xattrs,
            adds=start.adds,
        )

    async def _space(self) -> SpaceReply:
        """The workspace. Raises ProblemError."""
        spaces = await self._api.get("/workspaces", SpacesReply.read)
        mine = spaces.named(self._workspace)
        if mine is None:
            raise ProblemError(no_workspace(self._login.username, self._workspace, spaces.names()))
        if mine.problem:
            raise ProblemError(mine.problem.received())
        return mine

    @property
    def _root(self) -> str:
        return f"{self._login.url} {self._login.username} {self._workspace} {self._folder}"

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        first, self._first = self._first, None
        self._own.clear()  # whatever becomes of this look, the next one begins elsewhere
        if first is None or first.cursor != cursor:
            page = await self._further(cursor, NO_CHANGES, self._newest.change)
            first = _FirstPage(cursor, NO_CHANGES, page)
        _, own, page = first
        began, left, told = cursor or page.floor, LISTED, own  # the first listing has no past
        ahead: asyncio.Task[ChangesReply] | None = None
        try:
            while True:
                if began < page.floor:
                    raise ProblemError(_forgotten())  # it happened just now, after `open`
                if page.next < cursor or (page.more and (page.next == cursor or not page.rows)):
                    raise bad_answer(f"more changes after {cursor} are announced, but none is sent")
                if own.left_out and not page.own:
                    raise ProblemError(_restored())
                left -= page.rows
                if left < 0:
                    raise bad_answer(f"it lists more than {LISTED:,} changes up to one moment")
                cursor = self._seen = page.next
                self._newest.add(*page.newest, page.life)
                # Each path comes once up to where `open` found the server. What changes meanwhile
                # is for the next look: a busy server would otherwise never let this one end.
                if page.more and cursor < self._upto:
                    # The server makes the next page while this one is stored.
                    ahead = asyncio.create_task(self._further(cursor, own, self._newest.change))
                yield Delta(page.changes, cursor, page.refused, told)
                told = NO_CHANGES
                if ahead is None:
                    break
                page, ahead = await ahead, None
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)
        self._page = ROWS

    async def _further(self, cursor: int, own: OwnChanges, known: SeenChange) -> ChangesReply:
        """The next changes, from a server that still has a change that it has shown.

        Raises:
            ProblemError: it went back, or its folder cannot be used any more.
        """
        page = await self._next_page(cursor, own, requests.contact(known, None))
        if page.start.problem is not None:
            raise ProblemError(page.start.problem)
        if not page.start.has(known):
            raise ProblemError(_restored())
        self._newest.confirm(known, page.life)
        return page

    async def _next_page(
        self, cursor: int, own: OwnChanges, contact: Contact = NO_CONTACT
    ) -> ChangesReply:
        """The next changes. After a cut, the next look asks for fewer of them at a time.

        So it does after an answer that was too slow or too large.
        """
        try:
            return await self._changes(since=cursor, limit=self._page, own=own, contact=contact)
        except ProblemError as error:
            if error.problem.code in AWAY | {Code.BAD_ANSWER}:
                self._page = max(LEAST_PAGE, self._page // 2)
            raise

    async def wait(self, cursor: int, seconds: float) -> bool:
        page = await self._changes(since=cursor, limit=1, wait=int(min(seconds, LONG_POLL)))
        return page.rows > 0

    async def _changes(
        self,
        since: int,
        limit: int,
        wait: int = 0,
        own: OwnChanges = NO_CHANGES,
        contact: Contact = NO_CONTACT,
    ) -> ChangesReply:
        query: dict[str, str | int] = {"since": since, "under": self._folder, "limit": limit}
        query |= contact
        if wait:
            query["wait"] = wait
        if own.left_out:
            query |= requests.own(own)
        return await self._api.get(f"{self._base}/changes", replies.changes, **query)

    async def hashes(
        self, items: Sequence[tuple[str, Entry]], *, reread: bool = False
    ) -> list[str | Problem]:
        found: list[str | Problem] = []
        for start in range(0, len(items), OPERATIONS):
            part = items[start : start + OPERATIONS]
            files = [(self._whole(path), entry.version) for path, entry in part]
            body = requests.hashes(files, reread=reread)
            lines = self._api.lines(f"{self._base}/hashes", ResultReply.read, body)
            found += [_hash(line, path) async for line, (path, _) in _paired(lines, part)]
        return found

    async def known_hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return [None] * len(items)  # it is asked for them: those of a Cargo server are all BLAKE3

    async def xattrs(self, items: Sequence[tuple[str, Entry]]) -> list[Xattrs | Problem]:
        found: list[Xattrs | Problem] = []
        for start in range(0, len(items), OPERATIONS):
            part = items[start : start + OPERATIONS]
            body = requests.xattrs((self._whole(path), entry.version) for path, entry in part)
            lines = self._api.lines(f"{self._base}/xattrs", ResultReply.read, body)
            found += [_xattrs(line, path) async for line, (path, _) in _paired(lines, part)]
        return found

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        outcomes: list[Outcome] = []
        with told(outcomes):
            for start in range(0, len(actions), OPERATIONS):
                some = self._applied(actions[start : start + OPERATIONS], run)
                outcomes += await to_their_end(some)
        return outcomes

    async def _applied(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        """Does as many steps as the server takes at once."""
        answer = await self._operations([self._operation(action) for action in actions], run)
        return [
            _outcome(action, result, answer.lineage)
            for action, result in zip(actions, answer.results, strict=True)
        ]

    async def _operations(self, operations: Sequence[Body], run: str) -> ResultsReply:
        """The results of a batch, in order."""
        answer = await self._api.post(
            f"{self._base}/operations",
            partial(replies.results, len(operations)),
            requests.operations(operations, run),
        )
        self._note([number for result in answer.results for number in result.numbers], answer.life)
        return answer

    def renamed(self, outcomes: Sequence[Outcome]) -> None:
        for lineage, some in groupby(outcomes, attrgetter("lineage")):
            places = chain.from_iterable(outcome.places for outcome in some)
            self._own.add_renames(places, lineage)

    def _operation(self, action: Action) -> Body:
        if action.op is Op.MOVE:
            return requests.operation(
                "move" if action.occupant is None else "exchange",
                self._whole(action.moved_from),
                expected=None if action.expected is None else action.expected.version,
                to=self._whole(action.path),
                expected_to=None if action.occupant is None else action.occupant.version,
                seen=self._seen,
            )
        return requests.operation(
            action.op.value,
            self._whole(action.path),
            mode=None if action.source is None else action.source.mode,
            mtime_ns=_time(action),
            expected=None if action.expected is None else action.expected.version,
            xattrs=action.xattrs,
        )

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> str | Problem:
        [found] = await self.hashes([(path, entry)])
        if isinstance(found, Problem):
            return found
        if found != content:
            return not_as_delivered(path)
        whole, expected = self._whole(path), entry.version
        if not move_to:
            delete = requests.operation("delete", whole, expected=expected)
            return await self._operate(delete, path, run)
        place = paths.join(move_to, path)
        for name in islice(numbered(paths.name(place)), NUMBERS):
            to = self._whole(paths.join(paths.parent(place), name))
            move = requests.operation("move", whole, expected=expected, to=to)
            moved = await self._operate(move, path, run)
            if not isinstance(moved, Problem) or moved.code != Code.OCCUPIED:
                break
        return moved

    async def _operate(self, operation: Body, path: str, run: str) -> str | Problem:
        """Where the entry is in the trash now, or ""; or why it was not done."""
        [result] = (await self._operations([operation], run)).results
        return result.problem(path) or result.displaced or ""

    async def transfer(
        self,
        mode: Mode,
        near: Ends,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        async with aclosing(self.flows.run(mode, near, batches, speed, run)) as results:
            async for result, lineage in results:
                if mode is Mode.UPLOAD:
                    self._note([receipt.version for receipt in result.receipts], lineage)
                yield result
                # Here the receiver of the result has recorded it.
                if mode is Mode.UPLOAD:
                    # A stop that comes meanwhile goes to the flow, which tells what it has then.
                    await recorded(self._noted_own(result, lineage))

    def _note(self, numbers: Sequence[int], lineage: Lineage) -> None:
        """Notes the newest of some changes, if it was made in this lineage."""
        if lineage.token and (newest := max(numbers, default=0)) >= lineage.first:
            self._newest.add(newest, lineage.token)

    async def _noted_own(self, moved: Brought, lineage: Lineage) -> None:
        await self._world.offload(self._note_own, moved, lineage)

    def _note_own(self, moved: Brought, lineage: Lineage) -> None:
        """Notes files that need not be read again: the server has them as they are here."""
        puts = Tasks.of(moved.done).puts
        files, versions = puts.paths, [receipt.version for receipt in moved.receipts]
        here = list(zip(puts.sources.times, puts.sources.modes, strict=True))
        there = [(receipt.mtime_ns, receipt.mode) for receipt in moved.receipts]
        if here != there:
            same = list(map(eq, here, there))
            files, versions = list(compress(files, same)), list(compress(versions, same))
        if versions and min(versions) >= lineage.first:
            folders = (path.rpartition("/")[0] for path in files)
            self._own.add(versions, folders, lineage.token)

    def rate(self, mode: Mode) -> int:
        return self.flows.rate(mode)

    def resumed(self, mode: Mode) -> Mapping[str, int]:
        return self.flows.resumed(mode)

    def open_tasks(self) -> list[Task]:
        return self.flows.open_tasks()

    async def set_speed(self, bits: int | None) -> int | None:
        return await self.flows.set_speed(bits)

    def cancel(self, path: str) -> None:
        self.flows.cancel(path)

    async def close(self) -> None:
        await self._api.let_go(self)

    def _whole(self, path: str) -> str:
        """The path in the workspace of a path in this tree."""
        return paths.join(self._folder, path) if path else self._folder


def no_workspace(user: str, name: str, others: list[str]) -> Problem:
    """The problem of a workspace that this user does not have."""
    has = ", ".join(others[:SHOWN]) + (", …" if others[SHOWN:] else "") or "none"
    return Problem(
        Code.UNKNOWN_WORKSPACE,
        f"{user} has no workspace {name!r} on the server",
        hint=f"workspaces of this user: {has}",
        retry=False,
    )


class _FirstPage(NamedTuple):
    """The first page of a look: the changes after `cursor`, without the `own` ones."""

    cursor: int
    own: OwnChanges
    page: ChangesReply


def _restored() -> Problem:
    return Problem(Code.CHANGED, "an old backup of the server was restored just now")


def _forgotten() -> Problem:
    return Problem(
        Code.CHANGED, "the server has forgotten deletions that this job has not seen yet"
    )


async def _paired(
    answers: AsyncIterator[ResultReply], items: Sequence[tuple[str, Entry]]
) -> AsyncIterator[tuple[ResultReply, tuple[str, Entry]]]:
    count = 0
    async for answer in answers:
        if count < len(items):
            yield answer, items[count]
        count += 1
    if count != len(items):
        raise bad_answer(f"{count} answers for {len(items)} files")


def _hash(answer: ResultReply, path: str) -> str | Problem:
    problem = answer.problem(path)
    if problem is None and answer.hash is None:
        raise bad_answer("a hash is missing")
    return problem or answer.hash or ""


def _xattrs(answer: ResultReply, path: str) -> Xattrs | Problem:
    problem = answer.problem(path)
    if problem is None and answer.xattrs is None:
        raise bad_answer("extended attributes are missing")
    return problem or answer.xattrs or {}


def _time(action: Action) -> int | None:
    """The time that a file gets."""
    source = action.source
    if action.op is not Op.META or source is None or source.kind == FOLDER:
        return None
    return source.mtime_ns


def _outcome(action: Action, result: ResultReply, lineage: str) -> Outcome:
    if problem := result.problem(action.path):
        return Outcome(action, problem=problem)
    displaced = result.displaced or ""
    if action.op is Op.DELETE:
        return Outcome(action, displaced=displaced)
    if result.version is None or result.ident is None:
        raise bad_answer(f"the result of a {action.op} has no version")
    if action.op is Op.MOVE and action.expected is not None:
        name, version, ident = paths.name(action.path), result.version, result.ident
        moved = action.expected._replace(name=name, version=version, ident=ident)
        other = action.occupant and action.occupant._replace(name=paths.name(action.moved_from))
        places = result.places
        return Outcome(
            action, action.source, moved, places=places, lineage=lineage, exchanged=other
        )
    if action.op is Op.META and action.source is not None:
        mode, version, ident = action.source.mode & PERMISSIONS, result.version, result.ident
        now = action.source._replace(mode=mode, version=version, ident=ident, hash=action.hash)
        notice = no_room(action.path) if result.lacks_xattrs else None
        return Outcome(action, action.source, now, action.hash, notice=notice)
    made = Entry(
        paths.name(action.path),
        FOLDER,
        mode=action.source.mode & PERMISSIONS if action.source else 0,
        version=result.version,
        ident=result.ident,
    )
    return Outcome(action, action.source, made, displaced=displaced)
