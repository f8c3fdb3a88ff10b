"""One file that comes over plain HTTP, staged and hashed as it arrives; builds publish it.

It comes in one request (PUT), or in pieces over many (http/content/unfinished.py). Then what has
arrived is recorded as a checkpoint, as lanes do, and goes on after a restart.
"""

import hashlib
import threading
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Final

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.catalogue.quota_ledger import QuotaLedger
from cargo_sync.local.parts import Staged
from cargo_sync.local.staging import Staging
from cargo_sync.machines.quota import NOTHING_USED
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.server.workspace.incoming import Admit
from cargo_sync.server.workspace.refusals import is_a_folder, misplaced, no_room, too_long
from cargo_sync.server.workspace.rows.offers import growth_of

_THE_FILE: Final = 0
"""Its number in its reservation."""


class StagedUpload(ABC):
    """One incoming file; see `incoming.Upload`. It blocks. Call `drop` at the end, in any case.

    A request that is cut off may leave a thread that still writes; so each step waits for the
    previous one.

    published  whether it is at its place
    """

    def __init__(
        self,
        lock: AbstractContextManager[object],
        quotas: QuotaLedger,
        offer: Offer,
        admit: Admit,
        cause: ChangeCause,
    ) -> None:
        """Looks at the place. Call `begin` next.

        Args:
            lock: of the workspace.
            quotas: of the workspace.
            offer: path, size, mtime and mode.
            admit: checks what is there.
            cause: who sends it, and how.

        Raises:
            ProblemError: `admit` refuses what is there; a folder is there; `over_quota`.
        """
        self._lock = lock
        self._quotas = quotas
        self._offer = offer
        self._admit = admit
        self._cause = cause
        self.published = False
        self._steps = threading.Lock()
        self._promised = NOTHING_USED
        with self._looking():
            self._stood = self._look()
            self._check(self._stood)
            self._promise(self._stood)

    def _begin(self, staging: Staging, offer: Offer) -> None:
        """Stages it, as `offer`, which may differ in mode. Raises ProblemError: `disk_full`."""
        try:
            self._staging = staging
            self._part = staging.part(offer)
            self._done = self._part.in_order()
        except BaseException:
            self._end_promise()
            raise
        self._room = staging.reservation()
        try:
            if self._room.take({_THE_FILE: offer.size - self._done}):
                raise ProblemError(no_room(offer))
        except ProblemError:
            self.drop()
            raise

    def _looking(self) -> AbstractContextManager[object]:
        """Holds the lock at a moment at which one may look."""
        return self._lock

    @abstractmethod
    def _look(self) -> Catalogued | None:
        """What is at the path now. The lock is held. Raises ProblemError."""

    @abstractmethod
    def _publish(self, staged: Staged) -> tuple[Catalogued, bool]:
        """Publishes the complete file; as `publish`."""

    @property
    @abstractmethod
    def is_current(self) -> bool:
        """Whether it is staged where the workspace still looks for it."""

    @property
    def offset(self) -> int:
        """Bytes that are staged."""
        return self._done

    def check(self) -> None:
        """Looks at what is there now. Raises ProblemError if `admit` refuses it."""
        with self._looking():
            self._check(self._look())

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
            return self._publish(self._part.finish())

    def drop(self) -> None:
        """Deletes what was staged and not published, and could not go on."""
        with self._steps:
            self._end_promise()
            self._room.close()
            self._part.leave()
            self._staging.release(self._offer.transfer)

    def _admitted(self, held: Catalogued | None) -> None:
        """Checks again what is there by now, and the quota. The lock is held."""
        self._check(held)
        self._promise(held, at_last=True)  # another version may be there by now

    def _promise(self, held: Catalogued | None, *, at_last: bool = False) -> None:
        """Reserves a part of the quota, in place of an earlier promise. The lock is held."""
        self._end_promise()
        user, size = self._cause.user, self._offer.size
        promised = self._quotas.promise(user, growth_of([size], [held]), at_last=at_last)
        self._promised = promised.growth
        for excess in promised.refused.values():
            raise ProblemError(self._quotas.refusal(self._offer.path, user, excess))

    def _end_promise(self) -> None:
        promised, self._promised = self._promised, NOTHING_USED
        self._quotas.end(promised)

    def _check(self, held: Catalogued | None) -> None:
        if held is not None and held.entry.kind == FOLDER:
            raise is_a_folder(self._offer.path)
        self._admit(held)
