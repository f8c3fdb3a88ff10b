"""Files that are written into a folder: staged, compared with their hashes, published, looked at.

Each file gets its time and mode before it gets its name. After a kill a file is there as a whole or
not at all. What stands in its place goes to the folder's trash.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cargo_sync.lanes.ports import Reader
from cargo_sync.local.parts import Staged
from cargo_sync.local.publish import Placing, secure
from cargo_sync.local.read import Going
from cargo_sync.local.staging import Staging
from cargo_sync.migration.sending import CHECKPOINT, PIECE, stopped
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.entries import LINK, PERMISSIONS, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.contract import Coming, Content, ContentStore

BATCH_FILES: Final = 500
BATCH_BYTES: Final = 64 << 20
FILE_BITS: Final = 0o1777
"""Mode bits that a written file gets: its owner is another one now, so it runs as nobody else."""
FOLDER_BITS: Final = 0o3777
_ZEROS: Final = bytes(PIECE)


class WantedFile(NamedTuple):
    """A file or link that is to be at a path.

    entry  its size, time, mode, hash and target
    there  what stands at the path, or None
    """

    path: str
    entry: Entry
    there: Entry | None = None


class ContentReads(NamedTuple):
    """Where contents of a workspace come from."""

    store: ContentStore
    workspace: int

    def coming(self, some: Iterable[WantedFile]) -> Coming:
        """These are opened next, in this order; to be closed when all of them were."""
        contents = [Content(one.entry.hash, one.entry.size) for one in some if one.entry.size]
        return self.store.coming(self.workspace, contents)

    def open(self, entry: Entry) -> Reader:
        """Raises ProblemError."""
        return self.store.open(self.workspace, Content(entry.hash, entry.size), None)


class FilePlacer:
    """Writes files into one folder, a batch per call; the trash of `run` takes what stands there.

    It blocks. One thread uses it.
    """

    def __init__(self, staging: Staging, contents: ContentReads, run: str, going: Going) -> None:
        self._staging = staging
        self._contents = contents
        self._run = run
        self._going = going

    def __call__(self, wanted: Sequence[WantedFile]) -> list[Entry]:
        """Writes some files, durably.

        Returns:
            What is there now, in order: version and ident are ctime and inode.

        Raises:
            ProblemError: a content cannot be read, or is not what its hash says; the disk fails;
                `stopped`. What was written before stays.
        """
        staged: list[Staged] = []
        coming = self._contents.coming(wanted)
        try:
            for one in wanted:
                if not self._going():
                    raise stopped()
                staged.append(self._stage(one.path, one.entry))
        except BaseException:
            for file in staged:
                self._staging.discard(file, keep=True)
            raise
        finally:
            coming.close()
        _raise_first(secure(self._staging, staged))
        placing = Placing(self._staging, self._run)
        _raise_first(placing.rename(staged, [one.there for one in wanted]))
        placing.sync()
        published, problems = placing.confirm(staged)
        _raise_first(problems.values())
        return list(published.entries)

    def _stage(self, path: str, entry: Entry) -> Staged:
        text = f"migrate {self._contents.workspace} {path} {entry[1:]}"
        transfer = hashlib.sha256(text.encode()).hexdigest()[:32]
        offer = Offer(path, entry.size, entry.mtime_ns, entry.mode, 0, 0, transfer)
        if entry.kind == LINK:
            return self._staging.link(offer._replace(target=entry.target))
        staged = self._content(offer, entry)
        if staged.hash != entry.hash:
            self._staging.discard(staged)
            message = f"what the store gave of {path!r} is not what its hash says"
            hint = "give the command again; if that does not mend nodes: cargo_ctl node scrub"
            raise ProblemError(Problem(Code.DAMAGED, message, path, hint, retry=False))
        self._set_mode(staged, entry.mode & FILE_BITS)
        return staged

    def _content(self, offer: Offer, entry: Entry) -> Staged:
        if not entry.size:
            return self._staging.write(offer, memoryview(b""))
        reader = self._contents.open(entry)
        try:
            if resumable(entry.size):
                return self._part(offer, reader)
            content = bytearray(entry.size)
            got = reader.read_into(memoryview(content), 0)
            return self._staging.write(offer, memoryview(content)[:got])
        finally:
            reader.close()

    def _part(self, offer: Offer, reader: Reader) -> Staged:
        part = self._staging.part(offer)
        try:
            at = saved = part.in_order()
            buffer = memoryview(bytearray(PIECE))
            while at < offer.size:
                if not self._going():
                    raise stopped()
                got = reader.read_into(buffer[: offer.size - at], at)
                if not got:
                    break  # `finish` says that it is not complete
                if bytes(buffer[:got]) == _ZEROS[:got]:
                    part.hole(at, got)
                else:
                    part.write(at, buffer[:got])
                at += got
                if at - saved >= CHECKPOINT:
                    part.checkpoint()
                    saved = at
            part.checkpoint()
            return part.finish()
        except BaseException:
            part.leave()
            self._staging.release(offer.transfer)
            raise

    def _set_mode(self, staged: Staged, mode: int) -> None:
        """Gives a staged file a mode that clients cannot give; most have one that they can."""
        if mode & PERMISSIONS == mode:
            return
        try:
            fd = os.open(staged.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self._staging.fd)
        except OSError:
            return  # its owner may not read it: it keeps what a client could give
        try:
            if stat.S_IMODE(os.fstat(fd).st_mode) != mode:
                self._staging.root.set_mode(fd, mode, staged.path)
        finally:
            os.close(fd)


def batches(wanted: Iterable[WantedFile]) -> Iterable[list[WantedFile]]:
    """The same, as many at a time as are written together."""
    some: list[WantedFile] = []
    size = 0
    for one in wanted:
        some.append(one)
        size += one.entry.size
        if len(some) >= BATCH_FILES or size >= BATCH_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def _raise_first(problems: Iterable[Problem | None]) -> None:
    for problem in problems:
        if problem is not None:
            raise ProblemError(problem)
