"""One file that comes over plain HTTP: secured, then recorded."""

import threading
from collections.abc import Sequence
from typing import Final

from cargo_sync.catalogue.contract import Catalogued, Put
from cargo_sync.local.parts import Staged
from cargo_sync.model import paths
from cargo_sync.model.displaced import TrashCause
from cargo_sync.model.entries import BY_UMASK, FILE, Entry
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.server.workspace.content.displacing import Displacing
from cargo_sync.server.workspace.content.forwarding import forward_of
from cargo_sync.server.workspace.content.tree import FILE_MODE, ContentTree, StoredContent
from cargo_sync.server.workspace.incoming import Admit
from cargo_sync.server.workspace.staged_upload import StagedUpload
from cargo_sync.stores.blobs import for_blobs
from cargo_sync.stores.contract import Content, Forward, Secured

AGAIN: Final = 10.0
"""Seconds after which a client may come again, while nothing can be secured."""
PATIENCE: Final = 60.0
"""Seconds that the end of an upload waits until its content is secured."""


class ContentUpload(StagedUpload):
    """One incoming file of a workspace. It blocks. Call `drop` at the end, in any case."""

    def __init__(
        self, tree: ContentTree, offer: Offer, admit: Admit, run: str, cause: ChangeCause
    ) -> None:
        """Stages a file.

        Args:
            tree: where it is recorded.
            offer: path, size, mtime and mode; a file that is already there keeps its mode.
            admit: checks what is there.
            run: its trash takes the earlier version.
            cause: who sends it, and how.

        Raises:
            ProblemError: `admit` refuses what is there; a folder is there; `disk_full`,
                `over_quota`.
            LaterError: nothing can be secured now.
        """
        self._tree = tree
        self._run = run
        self._forward: Forward | None = None
        self._began = tree.steady()
        if (why := tree.store.refusal(tree.id)) is not None:
            raise LaterError(why, AGAIN)
        super().__init__(tree.lock, tree.quotas, offer, admit, cause)
        [blob] = for_blobs([offer])
        self._begin(tree.store.spool.staging, blob)

    @property
    def is_current(self) -> bool:
        """Whether it is staged where the workspace still looks for it."""
        return not self._tree.closing

    def _look(self) -> Catalogued | None:
        held = self._tree.look(self._offer.path)
        if held is None:
            self._tree.folders_above([self._offer.path])
        return held

    def write(self, content: bytes | bytearray) -> None:
        super().write(content)
        if self._forward is None:
            tree = self._tree
            self._forward = forward_of(tree.store, tree.id, self._offer, self._part)
        self._forward.reached(self._part.reached)

    def drop(self) -> None:
        super().drop()
        if self._forward is not None:
            self._forward.close()

    def _publish(self, staged: Staged) -> tuple[Catalogued, bool]:
        store = self._tree.store
        with self._lock:
            try:
                self._admitted(self._look())
            except ProblemError:
                self._staging.discard(staged, keep=True)
                raise
        [problem] = store.spool.place([staged])
        if problem is not None:
            raise ProblemError(problem)
        if not staged.size:
            return self._recorded(staged.hash, ())
        content = Content(staged.hash, staged.size)
        if self._forward is not None:
            self._forward.sealed(content)
        try:
            return self._recorded(staged.hash, [StoredContent(content, self._secured(content))])
        finally:
            store.release([content])

    def _secured(self, content: Content) -> Secured:
        """Waits until the content is secured; returns where.

        Raises:
            ProblemError: it cannot be.
            LaterError: it takes too long. What came is given up.
        """
        came = threading.Event()
        results: list[Secured | Problem] = []

        def done(found: Sequence[Secured | Problem]) -> None:
            results.extend(found)
            came.set()

        store, id = self._tree.store, self._tree.id
        store.secure(id, [content], done)
        if not came.wait(PATIENCE):
            why = store.refusal(id)
            raise LaterError(why or _too_slow(self._offer.path), AGAIN)
        [result] = results
        if isinstance(result, Problem):
            raise ProblemError(result)
        return result

    def _recorded(self, hash: str, placed: Sequence[StoredContent]) -> tuple[Catalogued, bool]:
        tree, offer = self._tree, self._offer
        with tree.turn():
            held = self._look()
            self._admitted(held)
            displacing = Displacing(tree, self._run, self._cause.user)
            mode = FILE_MODE if offer.mode == BY_UMASK else offer.mode
            if held is not None:
                displacing.add(offer.path, held, TrashCause.OVERWRITTEN)
                if held.entry.kind == FILE:
                    mode = held.entry.mode
            name = paths.name(offer.path)
            entry = Entry(name, FILE, offer.size, offer.mtime_ns, mode, hash=hash)
            told = self._cause._replace(seconds=tree.steady() - self._began)
            changes = [*tree.folders_above([offer.path]), Put(offer.path, entry, 0, 0)]
            tree.record(changes, displacing.taken(), told, placed)
            now = tree.catalogue.entry(tree.id, offer.path)
        self._end_promise()
        assert now is not None, "it was recorded in the same turn"
        self.published = True
        return now, held is None


def _too_slow(path: str) -> Problem:

    message = f"{path!r} is not on enough disks yet"
    return Problem(Code.TIMEOUT, message, path, "send it again")
