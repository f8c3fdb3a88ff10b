"""The receiving end of a flow into a workspace: staged in the spool, secured, then recorded.

The lane goes on meanwhile. Of content that waits to be secured, only so much is taken; then the
lane reads nothing more until some of it is recorded.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from cargo_sync.lanes.current import WANTED
from cargo_sync.lanes.ports import Exchange
from cargo_sync.local.batch import SinkBatch
from cargo_sync.local.staging_sink import StagingSink, failed
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Finished, Offer, Want
from cargo_sync.server.workspace.content.flows.commit import ContentCommit
from cargo_sync.server.workspace.content.flows.joining import CannotJoinError, joined_of
from cargo_sync.server.workspace.content.flows.left import LeftFile
from cargo_sync.server.workspace.content.flows.staging import SpoolStaging
from cargo_sync.server.workspace.content.forwarding import forward_of, may_be_elsewhere, source_of
from cargo_sync.server.workspace.content.tree import ContentTree, StoredContent
from cargo_sync.stores.contract import Content, Forward, Secured

WAITING: Final = 256 * 2**20
"""Bytes of submitted batches that may wait to be secured; one batch always may."""
BUSY: Final = 2
"""Batches that come or are being secured, while others wait for them to be recorded together."""
GATHERED: Final = 4
GATHERED_FILES: Final = 512
GATHERED_BYTES: Final = 16 << 20
"""So many batches, files or bytes wait for no more: a commit is as cheap for each as it can be."""
GATHERED_SECONDS: Final = 0.05
_UNKNOWN: Final = frozenset({Code.DATABASE_AWAY, Code.STATE_LOCKED})
"""It may be recorded nevertheless, or would wait as long once more."""


class ContentSink(StagingSink):
    """The sink of one flow; one thread uses it at a time. It need not be the same."""

    def __init__(self, tree: ContentTree, commit: ContentCommit) -> None:
        self._spooled = SpoolStaging(tree.store.spool, tree.epoch)
        super().__init__(self._spooled, commit)
        self._tree = tree
        self._commit = commit
        self._left: dict[int, dict[int, LeftFile]] = {}
        """What an earlier lane left of a batch that was not submitted yet, by index."""
        self._forwards: dict[tuple[int, int], Forward] = {}
        """Larger files that go on while they come, by batch and index."""
        self._waiting: list[_Submitted] = []
        """In the order in which they were submitted."""
        self._ended: list[Finished] = []
        """Batches that failed as a whole, and those that were recorded at the end of the lane."""
        self._wake: Callable[[], None] = lambda: None
        self._exchange: Exchange | None = None
        self._gathered_since: float | None = None
        """When the first of those could be recorded that can be now."""

    def wakes(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def exchanges(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def is_ready(self, offers: Sequence[Offer]) -> bool:
        """Whether all is here that other servers have of these. If that is not known, it is."""
        tree, own = self._tree, self._spooled.own
        ready = True
        try:
            for one in filter(may_be_elsewhere, offers):  # all of them are asked for
                ready &= tree.store.is_here(tree.id, own(one), source_of(one))
        except ProblemError:
            return True
        return ready

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        """What is needed of each offer. Raises ProblemError if the batch cannot begin."""
        wants = super().begin(batch, offers)
        found = dict[int, LeftFile]()
        for index, (offer, want) in enumerate(zip(offers, wants, strict=True)):
            if want.code in WANTED and (left := self._tree.left.take(self._commit.user, offer)):
                found[index] = left
                wants[index] = Want("none")
                self.forgo(batch, index)
        self._left[batch] = found
        return wants

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        super().part(batch, index, offset, content)
        if (forward := self._forwards.get((batch, index))) is not None:
            forward.came(offset, content, None if self._writing else self._exchange)
        # A piece may still be being written; those before it are.
        self._go_on(batch, index, offset if self._writing else offset + len(content))

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        super().hole(batch, index, offset, count)
        self._go_on(batch, index, offset + count)

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        super().failed(batch, index, problem)
        if problem.code == Code.CANCELLED and (batch, index) in self._forwards:
            self._forwards.pop((batch, index)).close(kept=False)
        self._go_on(batch, index, 0)

    def submit(self, batch: int) -> None:
        left = self._left.pop(batch, {})
        for index, file in left.items():
            self.has(batch, index, file.staged)
        try:
            begun = self.taken(batch)
        except ProblemError as error:
            self._ended.append((batch, error.problem))
            return
        submitted = _Submitted(begun, self._wake)
        self._waiting.append(submitted)
        submitted.contents = {index: file.content for index, file in left.items()}
        files = [
            index
            for index, one in sorted(begun.staged.items())
            if not one.target and index not in left
        ]
        tree, staged = self._tree, [begun.staged[index] for index in files]
        problems = tree.store.spool.place(staged)
        for index, one, problem in zip(files, staged, problems, strict=True):
            if problem is not None:
                begun.problems[index] = problem
                del begun.staged[index]
            elif one.size:
                content = submitted.contents[index] = Content(one.hash, one.size)
                if self._forwards and (forward := self._forwards.pop((batch, index), None)):
                    forward.sealed(content)
        self._stop_forwards(batch)
        if submitted.contents:
            contents = list(submitted.contents.values())
            submitted.size = sum(content.size for content in contents)
            tree.store.secure(tree.id, contents, submitted.secured)
        else:
            submitted.secured([])

    def finished(self) -> list[Finished]:
        found, self._ended = self._ended, []
        ready = [one for one in self._waiting if one.results is not None]
        if ready and not self._gathers(ready):
            found += self._taken(ready)
        return found

    def full(self) -> bool:
        waiting = [one.size for one in self._waiting if one.results is None]
        return len(waiting) > 1 and sum(waiting) > WAITING

    def close(self) -> None:
        """Submitted batches that are secured are recorded; of the others the contents are left.

        `finished` has those that are recorded: batches that waited for others, and what was secured
        since it was asked last.
        """
        super().close()
        self._stop_forwards()
        self._ended += self._taken([one for one in self._waiting if one.results is not None])
        left = [file for files in self._left.values() for file in files.values()]
        self._left.clear()
        for one in self._waiting:
            self._commit.ended(one.batch.number)
            offers, staged = one.batch.offers, one.batch.staged
            left += [LeftFile(offers[index], staged[index]) for index in one.contents]
        self._waiting.clear()
        self._tree.left.leave(self._commit.user, left)

    def _go_on(self, batch: int, index: int, until: int) -> None:
        """What is staged of a larger file goes on, but nothing from `until` on."""
        begun, key = self._batches[batch], (batch, index)
        part, forward = begun.parts.get(index), self._forwards.get(key)
        if part is not None:
            if forward is None:
                offer, tree = begun.offers[index], self._tree
                forward = self._forwards[key] = forward_of(
                    tree.store, tree.id, offer, part, self._spooled.id_of(offer.transfer)
                )
            forward.reached(min(part.reached, until))
        elif forward is not None and index in begun.staged:
            forward.reached(begun.offers[index].size)
        elif forward is not None:
            self._forwards.pop(key).close()

    def _stop_forwards(self, batch: int | None = None) -> None:
        """These do not come any more: those of a batch, or all."""
        for key in [key for key in self._forwards if batch in (None, key[0])]:
            self._forwards.pop(key).close()

    def _gathers(self, ready: Sequence["_Submitted"]) -> bool:
        """Whether batches that could be recorded wait for others, with which they cost less.

        Only for a moment, only while much comes, and only while something is being secured, whose
        end wakes the lane.
        """
        others = len(self._waiting) - len(ready)
        files = sum(len(one.batch.offers) for one in ready)
        now = self._tree.steady()
        if self._gathered_since is None:
            self._gathered_since = now
        return (
            self._commit.joins
            and others > 0
            and others + len(self._batches) >= BUSY
            and len(ready) < GATHERED
            and files < GATHERED_FILES
            and sum(one.size for one in ready) < GATHERED_BYTES
            and now - self._gathered_since < GATHERED_SECONDS
        )

    def _taken(self, ready: Sequence["_Submitted"]) -> list[Finished]:
        """Records batches that are secured, together if that can be."""
        self._gathered_since = None
        for one in ready:
            self._waiting.remove(one)
        try:
            if self._commit.joins and len(ready) > 1:
                with suppress(CannotJoinError):
                    return self._recorded(ready)
            return [found for one in ready for found in self._recorded([one])]
        finally:
            for one in ready:
                self._commit.ended(one.batch.number)
                self._tree.store.release(list(one.contents.values()))

    def _recorded(self, some: Sequence["_Submitted"]) -> list[Finished]:
        """Records batches in one turn.

        Raises:
            CannotJoinError: together they cannot be recorded, but perhaps each by itself.
        """
        joined = joined_of([one.batch for one in some])
        placed = dict[int, StoredContent]()
        for start, one in zip(joined.starts, some, strict=True):
            for (index, content), result in zip(
                one.contents.items(), one.results or (), strict=True
            ):
                if isinstance(result, Problem):
                    joined.problems[start + index] = result
                else:
                    placed[start + index] = StoredContent(content, result)
        try:
            receipts = self._commit.record(joined, placed)
        except ProblemError as error:
            if len(some) > 1 and error.problem.code not in _UNKNOWN:
                raise CannotJoinError from error
            return [(one.batch.number, error.problem) for one in some]
        return [
            (
                one.batch.number,
                [
                    receipts.get(index) or failed(joined.problems[index])
                    for index in range(start, start + len(one.batch.offers))
                ],
            )
            for start, one in zip(joined.starts, some, strict=True)
        ]


class _Submitted:
    """A batch whose contents are being secured.

    contents  by index
    size      bytes of these
    results   of them, in order; None: not yet
    """

    def __init__(self, batch: SinkBatch, wake: Callable[[], None]) -> None:
        self.batch = batch
        self.contents: dict[int, Content] = {}
        self.size = 0
        self.results: Sequence[Secured | Problem] | None = None
        self._wake = wake

    def secured(self, results: Sequence[Secured | Problem]) -> None:
        """Called by the store, in any thread."""
        self.results = results
        self._wake()
