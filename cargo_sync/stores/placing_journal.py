"""The journal of placing: which contents are being written under their names just now.

Such a content is not whole for a moment. So before the first one of a batch is made, the hashes of
all are durable in a file of `.cargo_sync/placing`, which is emptied when they are there. After a
kill or a power cut these contents, and no others, may be less than whole: they are read before
anything else is done in the folder, and what is not what its name says is removed. What the disk
does not give is moved aside: it may have been there before.

A file has one hash after the other. If it was cut short itself, none of its contents was begun.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from blake3 import blake3

from cargo_sync.local.listing import names_in
from cargo_sync.local.root import ABSENT, Root
from cargo_sync.model.contents import is_hash
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import ProblemError, from_os_error
from cargo_sync.stores.blob_changes import DAMAGED, blob_path
from cargo_sync.stores.contract import Content

PLACE: Final = f"{RESERVED}/placing"
_DIGITS: Final = 64
_STEP: Final = _DIGITS << 12
"""Bytes of it that are read at once. One of its files may be of any length."""
_LARGEST: Final = 1 << 20
"""Bytes of a content: a larger one was never written so."""


class PlacingJournal:
    """The journal of one folder of blobs. Several threads may use it."""

    def __init__(self, root: Root) -> None:
        """Nothing is written yet."""
        self._root = root
        self._lock = threading.Lock()
        self._idle: list[int] = []
        """Descriptors of files that are empty, and whose names are durable."""
        self._made = 0

    def begin(self, contents: Sequence[Content]) -> int:
        """Notes durably that contents are about to be placed.

        Returns:
            What `end` wants.

        Raises:
            ProblemError: it cannot be written.
        """
        fd = -1
        try:
            with self._lock:
                fd = self._idle.pop() if self._idle else self._new()
            system = self._root.system
            system.write(fd, "".join([one.hash for one in contents]).encode(), 0)
            system.datasync(fd)
        except OSError as error:
            if fd >= 0:
                self.end(fd)  # nothing was begun: it serves the next batch
            raise ProblemError(from_os_error(error, PLACE)) from error
        return fd

    def end(self, begun: int, *, are_gone: bool = True) -> None:
        """They are there durably, or durably removed. Without `are_gone` they are read later."""
        try:
            if are_gone:
                self._root.system.truncate(begun, 0)
        except OSError:
            are_gone = False
        if not are_gone:
            os.close(begun)  # the next process reads them
            return
        with self._lock:
            self._idle.append(begun)

    def close(self) -> None:
        """Nothing is placed any more."""
        with self._lock:
            for fd in self._idle:
                os.close(fd)
            self._idle.clear()

    def _new(self) -> int:
        """A new file; its name is durable. Raises OSError, ProblemError."""
        self._root.make_folder(PLACE)
        name = f"{self._made:x}"
        with self._root.folder(PLACE) as folder:
            fd = self._root.system.create(folder.fd, name)
            self._made += 1
            try:
                self._root.sync([RESERVED, PLACE])
            except BaseException:
                os.close(fd)
                with suppress(OSError):
                    self._root.system.unlink(folder.fd, name)
                raise
        return fd


def recover(root: Root) -> int:
    """Removes what an earlier process has begun to place, and is not whole.

    Returns:
        How many contents were removed.

    Raises:
        ProblemError: the folder cannot be read or written.
    """
    removed = 0
    try:
        with root.folder(PLACE) as folder:
            names = names_in(folder)
            for name in names:
                for hash in _noted(root, folder.fd, name):
                    removed += _is_removed(root, hash)
            if removed:
                root.sync([""], whole=True)
            for name in names:
                root.system.unlink(folder.fd, name)
    except OSError as error:
        raise ProblemError(from_os_error(error, PLACE)) from error
    except ProblemError as error:
        if error.problem.code not in ABSENT:
            raise
    return removed


def _is_removed(root: Root, hash: str) -> bool:
    """Removes a content if it is there, but not whole. Raises ProblemError."""
    if not is_hash(hash):
        return False
    try:
        with root.folder(hash[:2]) as part:
            is_whole = _is_whole(root, part.fd, hash)
            if is_whole is None:
                root.make_folder(DAMAGED)
                with root.folder(DAMAGED) as aside:
                    root.system.rename(part.fd, hash, aside.fd, hash)
            elif not is_whole:
                root.system.unlink(part.fd, hash)
            return not is_whole
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ProblemError(from_os_error(error, blob_path(hash))) from error
    except ProblemError as error:
        if error.problem.code not in ABSENT:
            raise
        return False


def _noted(root: Root, folder: int, name: str) -> Iterator[str]:
    """The hashes in a file of the journal. Raises OSError."""
    fd = root.system.open_in(folder, name)
    try:
        with open(fd, "rb", closefd=False) as file:
            while some := file.read(_STEP):
                noted = some.decode(errors="replace")
                yield from (noted[at : at + _DIGITS] for at in range(0, len(noted), _DIGITS))
    finally:
        os.close(fd)


def _is_whole(root: Root, folder: int, hash: str) -> bool | None:
    """Whether a content is what its name says; None if it cannot be read.

    Raises:
        FileNotFoundError: it is not there.
    """
    try:
        fd = root.system.open_in(folder, hash)
        try:
            with open(fd, "rb", closefd=False) as file:
                return blake3(file.read(_LARGEST)).hexdigest() == hash
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise
    except OSError:
        return None
