"""The snapshots that a node keeps: files of `.cargo_sync/snapshots`, in the folder of its blobs.

A snapshot comes as any content, over a lane. Then it is renamed to here, where no order to delete
contents reaches it. Its name says all that is known of it: number, time, and who may ask for it.
"""

import os
import re
import struct
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from cargo_sync.machines.nodes.snapshots import MadeSnapshot, superseded
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import Content

PLACE: Final = f"{RESERVED}/snapshots"
VERIFIER: Final = 32
"""Bytes of the public key of who may ask."""
_NAME: Final = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})-([0-9a-f]{64})")
_NUMBERS: Final = struct.Struct(">Q")
_FLOAT: Final = struct.Struct(">d")


class KeptSnapshot(NamedTuple):
    """A snapshot on a node.

    size      in bytes
    verifier  the public key of who may ask for it, 32 bytes
    """

    snapshot: MadeSnapshot
    size: int
    verifier: bytes


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
            self._blobs.move_out(content, PLACE, _name(snapshot, verifier))
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
        return self._blobs.root.open_file(f"{PLACE}/{_name(one.snapshot, one.verifier)}")

    def _remove(self, numbers: Collection[int]) -> None:
        root = self._blobs.root
        for one in self.all() if numbers else ():
            if one.snapshot.number in numbers:
                with suppress(OSError), root.folder(PLACE) as folder:
                    root.system.unlink(folder.fd, _name(one.snapshot, one.verifier))

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
        number, made, verifier = map(bytes.fromhex, found.groups())
        snapshot = MadeSnapshot(_NUMBERS.unpack(number)[0], _FLOAT.unpack(made)[0])
        return KeptSnapshot(snapshot, size, verifier)


def _name(snapshot: MadeSnapshot, verifier: bytes) -> str:
    number, made = _NUMBERS.pack(snapshot.number), _FLOAT.pack(snapshot.made)
    return f"{number.hex()}-{made.hex()}-{verifier.hex()}"
