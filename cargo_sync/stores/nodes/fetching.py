"""Reading contents that lie on nodes: they are fetched into the spool, which checks them.

A content is fetched once, however many read it, and stays in the spool while somebody does. If one
node's copy is damaged or the node goes away meanwhile, another one is asked; what was found to be
no copy counts no more, and is repaired. Several small contents are fetched together.
"""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from cargo_sync.lanes.ports import Reader
from cargo_sync.machines.nodes.copies import standing
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.contract import Content, Spool, Wake
from cargo_sync.stores.nodes.ports import Cluster
from cargo_sync.stores.nodes.repairing import no_copies
from cargo_sync.stores.nodes.securing import known

BATCH: Final = 1_000
BATCH_BYTES: Final = 16 << 20
AHEAD_BYTES: Final = 256 << 20
"""Bytes that are fetched ahead, and not read yet."""


class ContentFetch:
    """One content on its way into the spool.

    users    readers that are open
    problem  why it did not come; `ready` is set when it has come, or did not
    """

    def __init__(self, workspace: int, content: Content) -> None:
        self.workspace = workspace
        self.content = content
        self.users = 0
        self.problem: Problem | None = None
        self.ready = threading.Event()
        self.wakes: list[Wake] = []


class NodeReading:
    """Fetches contents. `open` and `ahead` may be called from any thread."""

    def __init__(self, cluster: Cluster, spool: Spool, call_soon: Callable[..., object]) -> None:
        """`call_soon` makes a call in the event loop, from any thread."""
        self._cluster = cluster
        self._spool = spool
        self._call_soon = call_soon
        self._lock = threading.Lock()
        self._fetches: dict[str, ContentFetch] = {}
        self._queue: OrderedDict[str, ContentFetch] = OrderedDict()
        self._ahead: OrderedDict[str, ContentFetch] = OrderedDict()
        self.on_queue: Callable[[], None] = lambda: None
        """Called in the event loop when there is something to do."""
        self._stopped: Problem | None = None

    def start(self) -> None:
        """`step` will be called from now on."""
        with self._lock:
            self._stopped = None

    def stop(self, why: Problem) -> None:
        """`step` is not called any more: whoever waits for a content does not get it."""
        with self._lock:
            self._stopped = why
            self._queue.clear()
            left = {one.content: one for one in self._fetches.values() if not one.ready.is_set()}
        self._finish(left, list(left), why)

    def open(self, workspace: int, content: Content, wake: Wake | None) -> "FetchedReader":
        """See `ContentStore.open`."""
        with self._lock:
            fetch = self._begun(workspace, content)
            fetch.users += 1
            self._ahead.pop(content.hash, None)
            if wake is not None and not fetch.ready.is_set():
                fetch.wakes.append(wake)
        return FetchedReader(self._spool, fetch, self._closed, may_block=wake is None)

    def ahead(self, workspace: int, contents: Sequence[Content]) -> None:
        """These will be opened soon."""
        with self._lock:
            size = sum(fetch.content.size for fetch in self._ahead.values())
            for content in contents:
                size += content.size
                if size > AHEAD_BYTES:
                    return
                if content.hash not in self._fetches:
                    self._ahead[content.hash] = self._begun(workspace, content)

    async def step(self) -> bool:
        """Fetches one batch; whether there was something to do."""
        some = self._batch()
        if not some:
            return False
        left = {fetch.content: fetch for fetch in some}
        try:
            await self._fetch(left)
        except ProblemError as error:
            self._finish(left, list(left), error.problem)
        return True

    def _batch(self) -> list[ContentFetch]:
        """The next contents of one workspace."""
        some, size = list[ContentFetch](), 0
        with self._lock:
            while self._queue and len(some) < BATCH and size < BATCH_BYTES:
                fetch = next(iter(self._queue.values()))
                if some and fetch.workspace != some[0].workspace:
                    break
                del self._queue[fetch.content.hash]
                some.append(fetch)
                size += fetch.content.size
        return some

    async def _fetch(self, left: dict[Content, ContentFetch]) -> None:
        cluster = self._cluster
        workspace = next(iter(left.values())).workspace
        kept = await known(cluster, workspace, [one.hash for one in left])
        groups = defaultdict[frozenset[int], list[Content]](list)
        for one in left:
            groups[kept[one.hash] or frozenset()].append(one)
        for nodes, some in groups.items():
            why = _lost(bool(nodes))
            for node in self._order(nodes):
                if not some:
                    break
                try:
                    results = await cluster.links.fetch(node, some)
                except ProblemError as error:
                    why = error.problem
                    continue
                done = results.done(some)
                self._finish(left, done, None)
                await no_copies(cluster, node, some, results.problems)
                why = next((one for one in results.problems if one is not None), why)
                some = [one for one in some if one in left]
            self._finish(left, some, why)

    def _order(self, nodes: frozenset[int]) -> list[int]:
        """From which nodes to read, one after the other: by chance, so that all have their part."""
        readable = list(standing(nodes, self._cluster.links.members(), 1).readable)
        turn = int(self._cluster.world.chance() * len(readable)) if readable else 0
        return readable[turn:] + readable[:turn]

    def _begun(self, workspace: int, content: Content) -> ContentFetch:
        """The fetch of a content; a new one is queued. The lock is held."""
        fetch = self._fetches.get(content.hash)
        if fetch is None or fetch.problem is not None:
            fetch = self._fetches[content.hash] = ContentFetch(workspace, content)
            if self._stopped is not None:
                fetch.problem = self._stopped
                fetch.ready.set()
                return fetch
            self._queue[content.hash] = fetch
            self._call_soon(self.on_queue)
        return fetch

    def _finish(
        self, left: dict[Content, ContentFetch], some: Sequence[Content], why: Problem | None
    ) -> None:
        """These have come, or `why` they have not."""
        wakes, unused = list[Wake](), list[str]()
        with self._lock:
            for one in some:
                fetch = left.pop(one)
                fetch.problem = why
                fetch.ready.set()
                wakes += fetch.wakes
                fetch.wakes.clear()
                if why is not None:
                    self._ahead.pop(one.hash, None)
                elif not fetch.users and one.hash not in self._ahead:
                    unused.append(one.hash)
                    self._fetches.pop(one.hash, None)
        self._cluster.links.release(unused)
        for wake in wakes:
            wake()

    def _closed(self, fetch: ContentFetch) -> None:
        """A reader has ended."""
        hash = fetch.content.hash
        with self._lock:
            fetch.users -= 1
            is_last = not fetch.users and hash not in self._ahead and fetch.ready.is_set()
            if is_last and self._fetches.get(hash) is fetch:
                del self._fetches[hash]
        if is_last and fetch.problem is None:
            self._cluster.links.release([hash])


class FetchedReader:
    """A content, perhaps before it has come. See `lanes.ports.Reader`."""

    def __init__(
        self,
        spool: Spool,
        fetch: ContentFetch,
        closed: Callable[[ContentFetch], None],
        *,
        may_block: bool,
    ) -> None:
        self._spool = spool
        self._fetch = fetch
        self._closed = closed
        self._may_block = may_block
        self._reader: Reader | None = None

    def read_into(self, view: memoryview, offset: int) -> int | None:
        reader = self._here()
        return None if reader is None else reader.read_into(view, offset)

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        reader = self._here()
        return (until, False) if reader is None else reader.extent(offset, until)

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._closed(self._fetch)

    def _here(self) -> Reader | None:
        """The content in the spool, if it has come. Raises ProblemError: it cannot be had."""
        if self._reader is not None:
            return self._reader
        if self._may_block:
            self._fetch.ready.wait()
        elif not self._fetch.ready.is_set():
            return None
        if self._fetch.problem is not None:
            raise ProblemError(self._fetch.problem)
        self._reader = self._spool.open(self._fetch.content)
        return self._reader


def _lost(is_somewhere: bool) -> Problem:
    if is_somewhere:
        message = "no storage node that has this file answers now"
        hint = "it can be read when one of them is back: cargo_ctl node list"
        return Problem(Code.UNREACHABLE, message, hint=hint)
    message = "no storage node has this file any more"
    return Problem(Code.DAMAGED, message, hint="send it again from where it came", retry=False)
