"""The Remote contract: what the far tree needs from one protocol.

A remote is one folder on somebody else's server, reached by calls. It says what the server can do
(`abilities`), and does one step at a time. It decides nothing: the far tree (trees/remote)
compares, displaces, batches, paces and tries again. Each remote keeps these rules, and one suite
proves them against real servers (tests/conformance/test_remote.py):

- Paths are relative to the remote's folder, and valid (model/paths). Names that come from the
  server and are not, or that this machine cannot hold, are left out with a problem each; nothing is
  ever done above the folder.
- `.cargo_sync` directly in the folder is ours, and no listing has it. Below it is
  `.cargo_sync/trash/<run>/<path>` and `.cargo_sync/staging/`: the far tree reaches the trash with
  the same calls (`make`, `list`, `entry`, `read`, `move`, `copy`, `remove`), `staging/` is the
  remote's own, for files that no client has finished; what lies there unchanged for a week goes.
  So does what it has staged beside a place on another disk (`RemoteListing.staged`).
- `Entry.version` changes whenever the content may have changed, is never 0, and is the same from
  a listing, from `entry`, and after `put`, `publish`, `move`, `copy`: all of them give what the
  next listing will say, field by field (but for the time, if it keeps none). What an answer to a
  change says of the new entry is trusted only on a server where that was tried out. `ident` is 0
  without `abilities.idents`, `mode` is entries.BY_UMASK where none is kept, `hash` is "" always. A
  folder has size 0, time 0 and version 1: what is in it does not change it.
- What changes an entry gets the entry that the plan saw, and fails with CHANGED (or OCCUPIED,
  VANISHED) if it is another one: by a condition where the server obeys them, else by a look just
  before (`abilities.replacing`). Two entries are the same if kind and version are (of folders, the
  kind alone). Nothing is overwritten that the caller did not give as `replaced`, which is a file or
  a link, never a folder.
- What returns is done, as durably as the server can say. After a cut nobody knows; the next look
  finds out.
- Everything is raised as a ProblemError, with whether it may be tried again. Calls may run at the
  same time.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from cargo_sync.model.abilities import Abilities
from cargo_sync.model.entries import Entry
from cargo_sync.model.known_hashes import KnownHash
from cargo_sync.model.problems import Problem
from cargo_sync.model.world import Offload
from cargo_sync.process.passing_on import Put
from cargo_sync.trees.contract import Missed


class RemoteListing(NamedTuple):
    """A folder, read completely.

    entries   in any order; a name comes once
    problems  one per name that was left out
    staged    files of ours that no client has finished, beside their places; not in `entries`
    """

    path: str
    entries: Sequence[Entry]
    problems: Sequence[Problem] = ()
    staged: Sequence[Entry] = ()


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is to be there.

    size      bytes
    mtime_ns  kept as well as the server can
    mode      permission bits; entries.BY_UMASK if it is not known
    transfer  id of the transfer: hex, the same when it is tried again
    hash      BLAKE3 of the content as 64 hex digits, "" if it is not known yet
    """

    path: str
    size: int
    mtime_ns: int
    mode: int
    transfer: str
    hash: str = ""


Pace = Callable[[int], Awaitable[None]]
"""Waits until so many bytes of content may be sent, and counts them as sent. A remote calls it
before each piece of up to 256 KiB that goes on the wire; one that cannot calls it once for all."""

Kept = str
"""What a remote must know to go on with an upload after a restart: a text in a form of its own."""


class RemoteUpload(Protocol):
    """A larger file under way to the server: nobody sees it until it is published.

    piece    bytes of each piece but the last one
    at_once  so many pieces may be under way at the same time
    asks     an upload that goes on asks the server for what is there; else only what was `kept`
             counts as sent, so it is stored after each piece
    done     the spans [start, end) that the server has, in order. With APPEND it is one from 0 on,
             which may end anywhere; else each begins and ends at a multiple of `piece`, or at the
             end of the file
    """

    @property
    def piece(self) -> int: ...

    @property
    def at_once(self) -> int: ...

    @property
    def asks(self) -> bool: ...

    @property
    def done(self) -> Sequence[tuple[int, int]]: ...

    async def holds(self, offset: int, content: memoryview) -> bool:
        """Whether the server has this content at `offset`, which is in `done`.

        Before an upload goes on, it is asked of every piece in `done`, in order: the content was
        read here. One that would have to fetch what it compares does so with the last bytes before
        the end of `done` alone. After False the caller aborts the upload, and begins anew.
        """

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        """Sends one piece. It is in `done` when this returns.

        What turns out to be there already is not sent, and not paced.
        With APPEND, pieces come in order, one at a time.
        """

    def kept(self) -> Kept:
        """What `RemoteFolder.upload` needs to go on with it later."""

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        """All pieces are there: the file gets its place, instead of `replaced`.

        `file` now has its hash. If this fails, the upload is as it was, and may be published again.
        """

    async def leave(self) -> None:
        """Closes what is open here; what the server has stays there for another try."""

    async def abort(self) -> None:
        """Removes what the server has of it."""


class RemoteContent(Protocol):
    """A file that is being read, from some byte on.

    mtime_ns, mode  of the file, if the server says them with its content; None: see the listing
    """

    @property
    def mtime_ns(self) -> int | None: ...

    @property
    def mode(self) -> int | None: ...

    def __aiter__(self) -> AsyncIterator[bytes | memoryview]:
        """The content, in pieces of any size up to a few MiB, as they come; each stays as it is.

        Raises:
            ProblemError: CHANGED, also at the end, if it is not the file that was to be read;
                CUT, if it ended early.
        """

    async def close(self) -> None: ...


@runtime_checkable
class PartsFolder(Protocol):
    """A `RemoteFolder` that reads parts of a file, over a connection each."""

    async def read_part(
        self, path: str, entry: Entry, start: int, end: int
    ) -> RemoteContent | None:
        """Opens the bytes [start, end) of a file, which is larger.

        Returns:
            Their content, which ends by itself; None if this server sends more than it is asked
            for.

        Raises:
            ProblemError: as `RemoteFolder.read`.
        """


@runtime_checkable
class PassingContent(Protocol):
    """A `RemoteContent` whose bytes can be used in the thread that receives them."""

    async def pass_on(self, most: int, put: Put, offload: Offload) -> int:
        """Passes on what comes at once, between two pieces that are read.

        Args:
            most: bytes.
            put: uses them in a thread, in order; what it raises is raised.
            offload: gives that thread.

        Returns:
            How many there were. If they are fewer than `most`, read what comes, and its end.
        """


class RemoteFolder(Protocol):
    """One folder on somebody else's server."""

    @property
    def abilities(self) -> Abilities:
        """What the server can do, as far as that is known: all of it after `find_out`."""

    async def open(self, *, make: bool) -> str:
        """Connects, if it is not connected, and looks whether the folder is there.

        Args:
            make: the folder is made if it is not there.

        Returns:
            The name of the folder, as a base is bound to it: server, user, path, fingerprint.

        Raises:
            ProblemError: ROOT_GONE, UNAUTHORIZED, CERTIFICATE, UNREACHABLE and others.
        """

    async def find_out(self) -> None:
        """Finds out what the server keeps, by files of its own below `.cargo_sync`, which go again.

        Whoever changes something there calls it after each `open`; it is done once.

        Raises:
            ProblemError: nothing can be written there.
        """

    def walk(self) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        """Every folder once, whole, in any order; the folder itself has the path "".

        Nothing may be held in memory that grows with the tree: at most the largest folder, and
        what waits to be listed.

        Raises:
            ProblemError: the server cannot be reached: nothing is known of what did not come yet.
        """

    async def list(self, folder: str) -> RemoteListing:
        """What is directly in a folder.

        Raises:
            ProblemError: VANISHED, NOT_A_FOLDER and others. Without `abilities.folders`, a folder
                in which nothing is may also be empty.
        """

    async def entry(self, path: str) -> Entry | None:
        """What is at a path now, as the next listing will say it; None for nothing."""

    async def read(self, path: str, entry: Entry, start: int = 0) -> RemoteContent:
        """Opens a file's content from a byte on.

        Raises:
            ProblemError: CHANGED, VANISHED, if it is not `entry`.
        """

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        """What the server knows of contents without reading them, in order.

        It is BLAKE3 or a hash of the server's own kind; None for the others, and for a file that is
        not the given entry any more.
        """

    async def put(
        self, file: NewFile, content: memoryview, replaced: Entry | None, pace: Pace
    ) -> Entry:
        """Sends a small file, of less than 8 MiB, which appears whole, instead of `replaced`.

        `file` has its hash.

        Raises:
            ProblemError: CHANGED, if something else is there than `replaced`; VANISHED, if the
                folder above is not there. So do `publish` and `link`.
        """

    async def upload(self, file: NewFile, kept: Kept | None) -> RemoteUpload:
        """Begins a larger file, or goes on with what is `kept` of it.

        If the server does not have that any more, it begins anew.
        """

    async def give_up(self, kept: Kept) -> None:
        """Removes what the server has of an upload that nobody continues, if it is still there."""

    async def link(self, path: str, target: str) -> Entry:
        """Makes a symbolic link where nothing is."""

    async def make(self, path: str, mode: int) -> Entry:
        """Makes a folder, and those above it; `mode` may be entries.BY_UMASK. It may be there.

        Without `abilities.folders` it stays from now on, also when nothing is in it.

        Raises:
            ProblemError: NOT_A_FOLDER, if a file is there, or above it.
        """

    async def move(self, path: str, to: str, entry: Entry) -> Entry:
        """Renames a file or a folder with all that is in it. Nothing may be at `to`.

        Folders above `to` are there. Only if `trashing` or `publishing` is RENAME; else files only,
        by a copy which is checked before the original goes.

        Raises:
            ProblemError: OCCUPIED, CHANGED, VANISHED and others.
        """

    async def copy(self, path: str, to: str, entry: Entry) -> Entry:
        """Copies a file on the server, and checks the copy. Nothing may be at `to` (OCCUPIED).

        Folders above `to` are there.
        """

    async def remove(self, path: str, entry: Entry) -> None:
        """Removes a file, a link or an empty folder for good.

        Raises:
            ProblemError: CHANGED, NOT_EMPTY and others; VANISHED, if there is nothing.
        """

    async def set_metadata(self, path: str, entry: Entry, mtime_ns: int, mode: int) -> Entry:
        """Gives a file or a folder a time and a mode, as far as the server keeps them."""

    async def close(self) -> None: ...
