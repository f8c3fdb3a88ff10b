"""One file that comes over plain HTTP: staged and hashed as it arrives, then published.

It comes in one request (PUT), or in pieces over many (http/content/unfinished.py). Then what has
arrived is recorded as a checkpoint, as lanes do, and goes on after a restart.
"""

import hashlib
import threading
from typing import Final

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.local.publish import Placing, secure
from cargo_sync.machines.quota import NOTHING_USED
from cargo_sync.model.displaced import DisplacedVersion, TrashCause
from cargo_sync.model.entries import FILE, FOLDER
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.comparison import put
from cargo_sync.server.workspace.incoming import Admit
from cargo_sync.server.workspace.offers import growth_of
from cargo_sync.server.workspace.refusals import is_a_folder, misplaced, no_room, too_long

_THE_FILE: Final = 0
"""Its number in its reservation."""


class FolderUpload:
    """One incoming file. It blocks. Call `drop` at the end, in any case.

    A request that is cut off may leave a thread that still writes; so each step waits for the
    previous one.

    published  whether it is at its place
    """

    def __init__(
        self, folder: CataloguedFolder, offer: Offer, admit: Admit, run: str, cause: ChangeCause
    ) -> None:
        """Stages a file.

        Args:
            folder: where it is published.
            offer: path, size, mtime and mode; a file that is already there keeps its mode.
            admit: checks what is there.
            run: its trash takes the earlier version.
            cause: who sends it, and how.

        Raises:
            ProblemError: `admit` refuses what is there; a folder is there; `disk_full`,
                `over_quota`.
        """
        self._folder = folder
        self._admit = admit
        self._run = run
        self._cause = cause
        self.published = False
        self._began = folder.steady()
        self._steps = threading.Lock()
        self._promised = NOTHING_USED
        self._size = offer.size
        with folder.lock:
            held = folder.look(offer.path)
            self._check(held, offer.path)
            self._promise(held, offer.path)
        if held is not None and held.entry.kind == FILE:
            offer = offer._replace(mode=held.entry.mode)
        self._offer = offer
        try:
            self._staging = folder.store.staging
            self._part = self._staging.part(offer)
            self._done = self._part.in_order()
        except BaseException:
            self._end_promise()
            raise
        self._room = self._staging.reservation()
        try:
            if self._room.take({_THE_FILE: offer.size - self._done}):
                raise ProblemError(no_room(offer))
        except ProblemError:
            self.drop()
            raise

    @property
    def offset(self) -> int:
        """Bytes that are staged."""
        return self._done

    @property
    def is_current(self) -> bool:
        """Whether it is staged in the folder that is served there now."""
        return self._folder.attached and self._folder.store.staging is self._staging

    def check(self) -> None:
        """Looks at what is there now. Raises ProblemError if `admit` refuses it."""
        with self._folder.lock:
            self._check(self._folder.look(self._offer.path), self._offer.path)

    def append(self, offset: int, content: memoryview) -> int:
        """Writes and records the piece that comes next, and closes the file until the next one.

        Returns:
            Where the next piece begins.

        Raises:
            ProblemError: `stale`, if the piece does not begin at `offset`; `too_large`, if it ends
                after the end of the file; the disk fails.
        """
        with self._steps:
            if offset != self._done:
                raise misplaced(offset, self._done)
            if offset + len(content) > self._offer.size:
                raise too_long(self._offer)
            if content:
                self._part.write(offset, content)
                self._done += len(content)
                self._room.wrote(_THE_FILE, len(content))
                self._part.checkpoint()
            self._part.pause()
            return self._done

    def digest(self, start: int, end: int) -> str:
        """The SHA-256 of bytes [start, end), which are staged, in hex. Raises ProblemError."""
        with self._steps:
            content = self._part.read(start, end)
            self._part.pause()
        return hashlib.sha256(content).hexdigest()

    def write(self, content: bytes | bytearray) -> None:
        """Writes the next bytes.

        Raises:
            ProblemError: there are more bytes than announced, or the disk fails.
        """
        if content:
            with self._steps:
                self._part.write(self._done, memoryview(content))
                self._done += len(content)
                self._room.wrote(_THE_FILE, len(content))

    def sent_by(self, cause: ChangeCause) -> None:
        """Who sends it now: the history names whoever sends the last piece."""
        self._cause = cause._replace(puts=self._cause.puts)

    def publish(self) -> tuple[Catalogued, bool]:
        """Publishes the file, durably. What was recorded of it stays if it is refused.

        Returns:
            The entry, and whether it is a new one.

        Raises:
            ProblemError: `incomplete`; `admit` refuses what is there by now, or it is `over_quota`
                in its place; the disk fails.
        """
        with self._steps:
            return self._publish()

    def _publish(self) -> tuple[Catalogued, bool]:
        path, folder = self._offer.path, self._folder
        staged = self._part.finish()
        [problem] = secure(self._staging, [staged])
        if problem:
            raise ProblemError(problem)
        placing = Placing(self._staging, folder.store.run(self._run))
        with folder.lock:
            try:
                held, seen = folder.look_closely(path)
                self._check(held, path)
                self._promise(held, path)  # another version may be there by now
            except ProblemError:
                self._staging.discard(staged, keep=True)
                raise
            [problem] = placing.rename([staged], [seen])
            if problem:
                raise ProblemError(problem)
        placing.sync()
        with folder.lock:
            published, problems = placing.confirm([staged])
            if problems:
                raise ProblemError(problems[0])
            displaced = []
            if held is not None and (aside := published.displaced.get(path)):
                cause = TrashCause.OVERWRITTEN
                displaced.append(
                    DisplacedVersion.of(held.entry, path, aside.place, cause, self._cause.user)
                )
            change = put(path, published.entries.entry(0))
            told = self._cause._replace(seconds=folder.steady() - self._began)
            folder.record([*folder.folders_above([path]), change], displaced, told)
            self._end_promise()
            now = folder.catalogue.entry(folder.id, path)
        assert now is not None, "it was recorded under the same lock"
        self.published = True
        return now, held is None

    def drop(self) -> None:
        """Deletes what was staged and not published, and could not go on."""
        with self._steps:
            self._end_promise()
            self._room.close()
            self._part.leave()
            self._staging.release(self._offer.transfer)

    def _promise(self, held: Catalogued | None, path: str) -> None:
        """Reserves a part of the quota, in place of an earlier promise. The lock is held."""
        self._end_promise()
        quotas = self._folder.quotas
        promised = quotas.promise(self._cause.user, growth_of([self._size], [held]))
        self._promised = promised.growth
        for excess in promised.refused.values():
            raise ProblemError(quotas.refusal(path, self._cause.user, excess))

    def _end_promise(self) -> None:
        promised, self._promised = self._promised, NOTHING_USED
        self._folder.quotas.end(promised)

    def _check(self, held: Catalogued | None, path: str) -> None:
        if held is not None and held.entry.kind == FOLDER:
            raise is_a_folder(path)
        self._admit(held)
