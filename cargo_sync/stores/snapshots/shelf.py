"""The snapshots that a node keeps: files of `.cargo_sync/snapshots`, in the folder of its blobs.

A snapshot comes as any content, over a lane. Then it is renamed to here, where no order to delete
contents reaches it. Its name says all that is known of it: number, time, who may ask for it, and
the hash of its bytes. A damaged one stays beside the others, where nobody is given it, until the
next one comes.
"""

import logging
import os
import re
import struct
from collections.abc import Collection, Generator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from cargo_sync.local.root import ABSENT
from cargo_sync.machines.nodes.snapshots import MadeSnapshot, superseded
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.stores.blob_pieces import summing
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import Content

PLACE: Final = f"{RESERVED}/snapshots"
VERIFIER: Final = 32
"""Bytes of the public key of who may ask."""
_NAME: Final = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{64})(?:-([0-9a-f]{64}))?")
_DAMAGED: Final = ".damaged"
_NUMBERS: Final = struct.Struct(">Q")
_FLOAT: Final = struct.Struct(">d")
_log = logging.getLogger(__name__)


class KeptSnapshot(NamedTuple):
    """A snapshot on a node.

    size      in bytes
    verifier  the public key of who may ask for it, 32 bytes
    hash      of its bytes; "" if an earlier version of Cargo has kept it
    """

    snapshot: MadeSnapshot
    size: int
    verifier: bytes
    hash: str = ""


class SnapshotShelf:
    """The snapshots in one folder of blobs. Any thread may use it; all of it blocks."""

    def __init__(self, blobs: BlobFolder) -> None:
        self._blobs = blobs

    def keep(self, content: Content, snapshot: MadeSnapshot, verifier: bytes) -> None:
        """Keeps a blob as a snapshot, durably; then those go that are not needed any more.

        To keep one again that is kept already changes nothing.

        Raises:
            ProblemError: the blob is not there, or it cannot be kept.
        """
        size = content.size
        known = {one.snapshot.number: one for one in self.all()}
        if (found := known.get(snapshot.number)) is None or found.size != size:
            name = _name(KeptSnapshot(snapshot, size, verifier, content.hash))
            self._blobs.move_out(content, PLACE, name)
        self._remove(superseded([one.snapshot for one in self.all()]))

    def all(self, verifier: bytes | None = None) -> Sequence[KeptSnapshot]:
        """The snapshots, the newest first: all, or those that one public key may ask for.

        Raises:
            ProblemError: the folder cannot be read.
        """
        some = [found for name in self._blobs.names_in(PLACE) if (found := self._known(name))]
        return sorted((one for one in some if verifier in (None, one.verifier)), reverse=True)

    def find(self, number: int, verifier: bytes) -> KeptSnapshot:
        """The snapshot of a number that a public key may ask for. Raises ProblemError."""
        for one in self.all(verifier):
            if one.snapshot.number == number:
                return one
        raise ProblemError(Problem(Code.UNKNOWN, "there is no such snapshot", retry=False))

    def open(self, one: KeptSnapshot) -> int:
        """Opens a snapshot; returns a descriptor. Raises ProblemError."""
        return self._blobs.root.open_file(f"{PLACE}/{_name(one)}")

    def check(self) -> Generator[int, None, int]:
        """Reads all of them, and puts aside what is not as it came.

        It gives out how many bytes it reads, again and again, and returns how many were damaged.

        Raises:
            ProblemError: the folder cannot be read.
        """
        damaged = 0
        for one in self.all():
            if one.hash and not (yield from self._is_right(one)):
                damaged += 1
                self._put_aside(one)
        return damaged

    def _is_right(self, one: KeptSnapshot) -> Generator[int, None, bool]:
        try:
            fd = self.open(one)
        except ProblemError as error:
            if error.problem.code not in ABSENT:
                raise
            return True  # it was just superseded
        try:
            whole, _ = yield from summing(fd, one.size)
        except OSError:
            return False
        finally:
            os.close(fd)
        return whole == one.hash

    def _put_aside(self, one: KeptSnapshot) -> None:
        name, root = _name(one), self._blobs.root
        words = "the snapshot %d of the server's state is damaged: see %s/%s/%s%s"
        _log.warning(words, one.snapshot.number, root.path, PLACE, name, _DAMAGED)
        with suppress(OSError, ProblemError), root.folder(PLACE) as folder:
            root.system.rename(folder.fd, name, folder.fd, name + _DAMAGED)

    def _remove(self, numbers: Collection[int]) -> None:
        names = [_name(one) for one in self.all() if one.snapshot.number in numbers]
        names += [one for one in self._blobs.names_in(PLACE) if one.endswith(_DAMAGED)]
        root = self._blobs.root
        for name in names:
            with suppress(OSError), root.folder(PLACE) as folder:
                root.system.unlink(folder.fd, name)

    def _known(self, name: str) -> KeptSnapshot | None:
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        try:
            with self._blobs.root.folder(PLACE) as folder:
                size = os.lstat(name, dir_fd=folder.fd).st_size
        except FileNotFoundError:
            return None  # it was just superseded
        except OSError as error:
            raise ProblemError(from_os_error(error, f"{PLACE}/{name}")) from error
        number, made, verifier = map(bytes.fromhex, found.groups()[:3])
        snapshot = MadeSnapshot(_NUMBERS.unpack(number)[0], _FLOAT.unpack(made)[0])
        return KeptSnapshot(snapshot, size, verifier, found[4] or "")


def _name(one: KeptSnapshot) -> str:
    number, made = _NUMBERS.pack(one.snapshot.number), _FLOAT.pack(one.snapshot.made)
    parts = [number.hex(), made.hex(), one.verifier.hex(), one.hash]
    return "-".join(filter(None, parts))
