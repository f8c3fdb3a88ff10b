"""A tree in memory, for whole runs that replay from a seed.

It keeps the Tree contract like a folder or a server, also for displaced content. It can be near (it
reports whole listings) or far (it reports changes).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from typing import Final, Literal

from blake3 import blake3

from cargo_sync.lanes.ports import Sink, Source, Wake
from cargo_sync.local.at_once import PublishesAtOnce
from cargo_sync.local.matching import digests_of
from cargo_sync.machines.client_fence import FencedError, JobClient, fence
from cargo_sync.machines.newest_change import NOTHING_SEEN, NewestChange, SeenChange
from cargo_sync.model import entries, paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, LINK, PERMISSIONS, Entry
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.known_hashes import KnownHash, Matched
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Unread, Want
from cargo_sync.model.xattrs import Xattrs
from cargo_sync.testing.disk import read_one_by_one
from cargo_sync.trees.contract import (
    Brought,
    Delta,
    Missed,
    Moved,
    NearTree,
    NoFolder,
    Observation,
    Task,
    Whole,
)
from cargo_sync.trees.offers import brought, offers
from cargo_sync.trees.pump import pump

_ASIDE: Final = "aside"
"""Where one of two entries is while they change places."""


class MemoryTree:
    """Entries and contents by path.

    trash   everything that was ever displaced, oldest first
    met     the jobs that came here, by their ids
    speeds  the speeds that were set; they have no effect here
    """

    def __init__(
        self, part: Literal["near", "far"], identity: str = "memory", lineage: str = ""
    ) -> None:
        self._part = part
        self._identity = identity
        self._lineage = lineage
        self._newest = NewestChange()
        self.met: dict[str, JobClient] = {}
        self._entries: dict[str, Entry] = {}
        self._contents: dict[str, bytes] = {}
        self._log: list[tuple[str, Entry | None]] = []
        self._idents = 0
        self._cancelled: set[str] = set()
        self._open: dict[Mode, Sequence[Task]] = {}
        self._floor = 0
        self._listed = 0
        self.trash: list[tuple[str, bytes]] = []
        self.attributes: dict[int, Xattrs] = {}
        """Extended attributes, by ident."""
        self.speeds: list[int | None] = []

    # -- what a person does with the tree ----------------------------------------------------------

    def write(self, path: str, content: bytes, mtime_ns: int = 0, mode: int = 0o644) -> Entry:
        """Writes a file at `path` and makes its parents; an old file is overwritten."""
        return self._put(path, FILE, content, mtime_ns, mode)

    def link(self, path: str, target: str) -> Entry:
        return self._put(path, LINK, b"", 0, 0o777, target)

    def make(self, path: str, mode: int = 0o755) -> Entry:
        return self._entries.get(path) or self._put(path, FOLDER, b"", 0, mode)

    def remove(self, path: str) -> None:
        """Removes `path` and what is below it."""
        for gone in [entry for entry in self._entries if paths.is_below(entry, path)]:
            del self._entries[gone]
            self._drop(gone)
            self._log.append((gone, None))

    def move(self, path: str, to: str) -> None:
        """Moves `path`, and what is below it, to a free place; idents stay, as by a rename."""
        self._make_above(to)
        moving = [one for one in self._entries.items() if paths.is_below(one[0], path)]
        for old, entry in moving:
            new = to + old[len(path) :]
            moved = entry._replace(name=paths.name(new))
            if old == path and self._part == "near":  # a rename has a ctime
                moved = self._renumbered(moved)
            self._entries[new] = moved
            if old in self._contents:
                self._keep(new, self._contents[old])
            self._log.append((new, moved))
        self.remove(path)

    def exchange(self, path: str, other: str) -> None:
        """Two entries change places, with what is below them."""
        for one, to in ((path, _ASIDE), (other, path), (_ASIDE, other)):
            self.move(one, to)

    def _renumbered(self, entry: Entry) -> Entry:
        return entry._replace(version=len(self._log) + 1) if entry.version else entry

    def save(self, path: str, content: bytes, mtime_ns: int) -> None:
        """Writes into the file at `path`: it keeps its ident, as an inode does."""
        before = self._entries[path]
        self.write(path, content, mtime_ns, before.mode)
        self._entries[path] = saved = self._entries[path]._replace(ident=before.ident)
        self._log[-1] = (path, saved)

    def set_mode(self, path: str, mode: int) -> None:
        """Changes the permission bits at `path`."""
        changed = self._renumbered(self._entries[path]._replace(mode=mode))
        self._entries[path] = changed
        self._log.append((path, changed))

    def set_xattrs(self, path: str, xattrs: Xattrs) -> None:
        """Gives the file at `path` these extended attributes, and no others."""
        changed = self._renumbered(self._entries[path])
        self.attributes[changed.ident] = xattrs
        self._entries[path] = changed
        self._log.append((path, changed))

    def xattrs_at(self, path: str) -> Xattrs:
        return self.attributes.get(self._entries[path].ident, {})

    def forget_gone(self) -> None:
        """Forgets the deletions until now, as a server does after three months."""
        self._floor = len(self._log)

    def read(self, path: str) -> bytes:
        return self._contents[path]

    def entry(self, path: str) -> Entry | None:
        return self._entries.get(path)

    def files(self) -> dict[str, bytes]:
        return dict(sorted(self._contents.items()))

    def _put(
        self, path: str, kind: str, content: bytes, mtime: int, mode: int, target: str = ""
    ) -> Entry:
        self._make_above(path)
        self._idents += 1
        digest = blake3(content).hexdigest() if kind == FILE and self._part == "far" else ""
        version = 0 if kind == FOLDER and self._part == "near" else len(self._log) + 1
        entry = Entry(
            paths.name(path), kind, len(content), mtime, mode, version, self._idents, digest, target
        )
        self._entries[path] = entry
        if kind == FILE:
            self._keep(path, content)
        else:
            self._drop(path)
        self._log.append((path, entry))
        return entry

    def _make_above(self, path: str) -> None:
        if (folder := paths.parent(path)) and folder not in self._entries:
            self.make(folder)

    def _keep(self, path: str, content: bytes) -> None:
        """A file with this content is at `path` now."""
        self._contents[path] = content

    def _drop(self, path: str) -> None:
        """No file is at `path` any more."""
        self._contents.pop(path, None)

    # -- the contract ------------------------------------------------------------------------------

    @property
    def newest(self) -> SeenChange:
        return self._newest.change

    def lineage_at(self, number: int) -> str:
        """Of a change."""
        return self._lineage

    @property
    def life(self) -> str:
        """The lineage of the changes that are made now."""
        return self._lineage

    def show(self, number: int, by: str = "") -> None:
        """The job sees that there was this change; `by` as for `NewestChange.add`."""
        self._newest.add(number, self.lineage_at(number), by)

    def confirm(self) -> None:
        """A listing goes on: the server was asked for the newest change, and still has it."""
        self._newest.confirm(self.newest, self.life)

    async def open(
        self,
        cursor: int = 0,
        newest: SeenChange = NOTHING_SEEN,
        client: JobClient | None = None,
    ) -> Identity:
        if client is not None:
            known = self.met.get(client.id)
            if known is not None and (fenced := fence(known, client)):
                raise FencedError(fenced)
            self.met[client.id] = client
        lost = newest.number > len(self._log) or (
            newest.number > 0 and newest.lineage != self.lineage_at(newest.number)
        )
        self._newest.begin(NOTHING_SEEN if lost else newest, self.life)
        return Identity(self._identity, "", self._floor, lost=lost, xattrs=True)

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        if self._part == "far":
            self._listed = len(self._log)
            self.show(self._listed)
            yield Delta(
                [
                    (path, entry)
                    for number, (path, entry) in enumerate(self._log, 1)
                    if number > cursor
                    and (number > self._floor or self._entries.get(path) is entry is not None)
                ],
                len(self._log),
            )
            return
        folders = ["", *(path for path, entry in self._entries.items() if entry.kind == FOLDER)]
        for folder in sorted(folders, key=paths.key):
            yield [self._listing(folder)]

    async def observe_some(
        self, some: Sequence[str], *, unfiltered: bool = False
    ) -> AsyncIterator[Sequence[Whole | Missed | NoFolder]]:
        for folder in some:
            entry = self._entries.get(folder)
            is_there = not folder or (entry is not None and entry.kind == FOLDER)
            yield [self._listing(folder) if is_there else NoFolder(folder)]

    def _listing(self, folder: str) -> Whole:
        below = [
            entry for path, entry in self._entries.items() if path and paths.parent(path) == folder
        ]
        return Whole(folder, entries.encode(entries.listing(below)), len(below))

    async def entries(self, some: Sequence[str]) -> list[Entry | Problem | None]:
        return [self._entries.get(path) for path in some]

    async def blank(self, items: Sequence[tuple[str, Entry]]) -> list[bool | Problem]:
        return [not any(self._contents[path]) for path, _ in items]

    async def beginnings(
        self, items: Sequence[tuple[str, Entry]], length: int
    ) -> list[bytes | Problem]:
        return [self._contents.get(path, b"")[:length] for path, _ in items]

    async def hashes(
        self, items: Sequence[tuple[str, Entry]], *, reread: bool = False
    ) -> list[str | Problem]:
        return [self._hash(path, entry) for path, entry in items]

    async def known_hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return [None] * len(items)

    async def matches(
        self, items: Sequence[tuple[str, Entry, KnownHash]]
    ) -> list[Matched | Problem]:
        return [self._match(*item) for item in items]

    def _match(self, path: str, entry: Entry, known: KnownHash) -> Matched | Problem:
        found = self._hash(path, entry)
        if isinstance(found, Problem):
            return found
        digests = digests_of(known, entry.size)
        for digest in digests:
            digest.update(self._contents[path])
        return Matched(found, known.text in [digest.hexdigest() for digest in digests])

    def _hash(self, path: str, entry: Entry) -> str | Problem:
        found = self._entries.get(path)
        if found is None or (found.version, found.ident) != (entry.version, entry.ident):
            return Problem(Code.CHANGED, f"{path!r} changed", path)
        return blake3(self._contents[path]).hexdigest()

    async def xattrs(self, items: Sequence[tuple[str, Entry]]) -> list[Xattrs | Problem]:
        hashes = await self.hashes(items)  # they say which files have changed
        return [
            found if isinstance(found, Problem) else self.attributes.get(entry.ident, {})
            for found, (_, entry) in zip(hashes, items, strict=True)
        ]

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        outcomes = [self.do(action) for action in actions]
        self.show(len(self._log))
        return outcomes

    def do(self, action: Action) -> Outcome:
        """Does one MKDIR, DELETE, MOVE or META."""
        if problem := self.blocked(action.path):
            return Outcome(action, problem=problem)
        if action.op is Op.MOVE:
            return self._rename(action)
        present = self._entries.get(action.path)
        if action.op is Op.META:
            return self._set_metadata(action, present)
        if present is not None and present.kind == FOLDER and action.op is Op.MKDIR:
            return Outcome(action, action.source, present)
        if not self._is(action.path, action.expected):
            return Outcome(
                action, problem=Problem(Code.CHANGED, f"{action.path!r} changed", action.path)
            )
        below = [path for path in self._entries if paths.parent(path) == action.path]
        if action.op is Op.DELETE and below:
            return Outcome(
                action,
                problem=Problem(Code.NOT_EMPTY, f"{action.path!r} is not empty", action.path),
            )
        if action.expected is not None:
            self.displace(action.path)
        if action.op is Op.DELETE:
            return Outcome(action, displaced=action.path)
        mode = 0o755 if action.source is None else _folder_mode(action.source)
        displaced = "" if action.expected is None else action.path
        return Outcome(action, action.source, self.make(action.path, mode), displaced=displaced)

    def _set_metadata(self, action: Action, present: Entry | None) -> Outcome:
        if present is None or present != action.expected or action.source is None:
            problem = Problem(Code.CHANGED, f"{action.path!r} changed", action.path)
            return Outcome(action, problem=problem)
        source = action.source
        mode = _folder_mode(source) if source.kind == FOLDER else source.mode & PERMISSIONS
        now = self._renumbered(present._replace(mode=mode, mtime_ns=source.mtime_ns))
        self._entries[action.path] = now
        self._log.append((action.path, now))
        if action.xattrs is not None:
            self.attributes[now.ident] = action.xattrs
        return Outcome(action, source, now, action.hash)

    def _rename(self, action: Action) -> Outcome:
        path, here = action.path, action.moved_from
        if action.expected is None or not self._is(here, action.expected):
            return Outcome(action, problem=Problem(Code.CHANGED, f"{here!r} changed", here))
        if action.occupant is not None and (
            paths.is_below(path, here) or paths.is_below(here, path)
        ):
            return Outcome(action, problem=Problem(Code.BAD_PATH, f"{here!r} is in {path!r}", here))
        if action.occupant is not None and not self._is(path, action.occupant):
            return Outcome(action, problem=Problem(Code.CHANGED, f"{path!r} changed", path))
        if action.occupant is None and path in self._entries:
            return Outcome(action, problem=Problem(Code.OCCUPIED, f"{path!r} exists", path))
        unseen = self._has_unseen(action)
        self._make_above(path)  # that is no part of the rename: others tell of it
        start = len(self._log)
        if action.occupant is not None:
            self.exchange(here, path)
        else:
            self.move(here, path)
        places = () if unseen else ((start + 1, len(self._log)),)
        other = self._entries[here] if action.occupant else None
        lineage = self.lineage_at(len(self._log))
        now = self._entries[path]
        return Outcome(action, action.source, now, places=places, lineage=lineage, exchanged=other)

    def _has_unseen(self, action: Action) -> bool:
        """Whether something in what is moved came after the last listing."""
        tops = [action.moved_from, *([action.path] if action.occupant else [])]
        return any(
            path != top and paths.is_below(path, top)
            for path, _ in self._log[self._listed :]
            for top in tops
        )

    def renamed(self, outcomes: Sequence[Outcome]) -> None:
        return None

    def _is(self, path: str, expected: Entry | None) -> bool:
        """Whether this is at a path, however much is known of its content."""
        present = self._entries.get(path)
        if present is None or expected is None:
            return present is expected
        return present.same_state(expected)

    def blocked(self, path: str) -> Problem | None:
        """Why nothing can be put at `path`: there is a file or a link above it."""
        for above in paths.upwards(paths.parent(path)):
            present = self._entries.get(above)
            if present is not None and present.kind != FOLDER:
                return Problem(
                    Code.NOT_A_FOLDER, f"{above!r} is a file where a folder is needed", path
                )
        return None

    def displace(self, path: str) -> None:
        """Moves the entry at `path`, and everything below it, to the trash."""
        for name, content in list(self._contents.items()):
            if paths.is_below(name, path):
                self._throw_away(name, content)
        self.remove(path)

    def _throw_away(self, path: str, content: bytes) -> None:
        self.trash.append((path, content))

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> str | Problem:
        return self.take_away(path, entry, content, move_to)

    def take_away(self, path: str, entry: Entry, content: str, move_to: str) -> str | Problem:
        """As `retire`."""
        found = self._hash(path, entry)
        if isinstance(found, Problem) or found != content:
            return Problem(Code.CHANGED, f"{path!r} has changed since it was delivered", path)
        if move_to:
            self.write(paths.join(move_to, path), self._contents[path], entry.mtime_ns, entry.mode)
            self.remove(path)
        else:
            self.displace(path)
        return ""

    async def close(self) -> None:
        return None

    def source(self) -> Source:
        return _MemorySource(self)

    def sink(self, run: str) -> Sink:
        return TreeSink(self)

    async def transfer(
        self,
        mode: Mode,
        near: NearTree,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        if not self._open:
            self._cancelled.clear()
        ends = (
            (near.source(), self.sink(run))
            if mode is Mode.UPLOAD
            else (self.source(), near.sink(run))
        )
        number = 0
        async for tasks in batches:
            number += 1
            self._open[mode] = tasks
            try:
                receipts = pump(*ends, number, offers(tasks), self._cancelled)
            finally:
                del self._open[mode]
            if mode is Mode.UPLOAD:
                self.show(max((receipt.version for receipt in receipts), default=0))
            yield brought(tasks, receipts, Moved())

    def rate(self, mode: Mode) -> int:
        return 1 << 30

    def resumed(self, mode: Mode) -> Mapping[str, int]:
        return {}  # it begins each file anew

    def open_tasks(self) -> list[Task]:
        return [task for tasks in self._open.values() for task in tasks]

    def cancel(self, path: str) -> None:
        self._cancelled.add(path)

    async def set_speed(self, bits: int | None) -> int | None:
        self.speeds.append(bits)
        return bits

    async def wait(self, cursor: int, seconds: float) -> bool:
        return len(self._log) > cursor


def _folder_mode(source: Entry) -> int:
    if source.mode == BY_UMASK:
        return 0o755
    return source.mode & PERMISSIONS | 0o700


class _MemoryReader:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read_into(self, view: memoryview, offset: int) -> int:
        piece = self._content[offset : offset + len(view)]
        view[: len(piece)] = piece
        return len(piece)

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        return until, False

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        return None


class _MemorySource:
    def __init__(self, tree: MemoryTree) -> None:
        self._tree = tree

    def wakes(self, wake: Wake) -> None:
        """All can be read at once."""

    def coming(self, offers: Iterable[Offer]) -> None:
        """All is here already."""

    def open(self, offer: Offer) -> _MemoryReader:
        entry = self._tree.entry(offer.path)
        if entry is None or (entry.version, entry.ident) != (offer.version, offer.ident):
            raise ProblemError(
                Problem(Code.CHANGED, f"{offer.path!r} has changed since the plan", offer.path)
            )
        return _MemoryReader(self._tree.read(offer.path))

    def holes(self, offer: Offer) -> int:
        return 0

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        return read_one_by_one(self, offers, views)

    def close(self) -> None:
        """Nothing stays open."""


class TreeSink(PublishesAtOnce):
    """Stages in memory, and publishes in its tree."""

    def __init__(self, tree: MemoryTree) -> None:
        self._tree = tree
        self._batches: dict[
            int, tuple[Sequence[Offer], dict[int, bytearray], dict[int, Problem]]
        ] = {}

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        self._batches[batch] = (offers, {}, {})
        return [Want("all")] * len(offers)

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        self._batches[batch][1][index] = bytearray(content)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        staged = self._batches[batch][1].setdefault(
            index, bytearray(self._batches[batch][0][index].size)
        )
        staged[offset : offset + len(content)] = content

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        self.part(batch, index, offset, memoryview(bytes(count)))

    def settle(self) -> None:
        return None

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        self._batches[batch][2][index] = problem

    def checkpoint(self) -> None:
        return None

    def commit(self, batch: int) -> list[Receipt]:
        offers, staged, problems = self._batches.pop(batch)
        return [
            self.publish(offer, bytes(staged.get(index, b"")), problems.get(index))
            for index, offer in enumerate(offers)
        ]

    def publish(self, offer: Offer, content: bytes, problem: Problem | None) -> Receipt:
        """Puts one file in its place, unless something else is there than was expected."""
        tree, present = self._tree, self._tree.entry(offer.path)
        found = (present.version, present.ident) if present else (0, 0)
        if problem is None and found != (offer.expected, offer.occupant):
            problem = Problem(
                Code.CHANGED, f"{offer.path!r} changed at the destination", offer.path
            )
        problem = problem or tree.blocked(offer.path)
        if problem is not None:
            return Receipt(problem.code_text, message=str(problem), retry=problem.retry)
        if present is not None:
            tree.displace(offer.path)
        if offer.target:
            entry = tree.link(offer.path, offer.target)
        else:
            entry = tree.write(offer.path, content, offer.mtime_ns, offer.mode)
        displaced = offer.path if present else ""
        digest = "" if offer.target else blake3(content).hexdigest()
        return Receipt(
            "done", entry.version, entry.ident, entry.mtime_ns, entry.mode, digest, displaced
        )

    def close(self) -> None:
        self._batches.clear()
