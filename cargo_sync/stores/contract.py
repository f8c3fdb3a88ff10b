"""The ContentStore contract: where contents lie of workspaces whose catalogue is the truth.

A content is some bytes, known by their hash (local/content_hash.py) and size; it never changes. The
catalogue says which paths have it. A store knows no paths: it keeps contents, on one disk or on
many machines. There is one for all such workspaces of a server. Each store keeps these rules, and
one suite proves them (tests/conformance/test_content_store.py):

- **A large content may go on while it still comes** (`forward`): then `secure` has less to do. What
  was forwarded counts for nothing before that. Among several servers it may have begun at another
  one: `is_here` says when it can go on here.
- **The way of a content**: it is staged (`spool.staging`), placed in the spool (`Spool.place`),
  secured (`secure`), then the caller records it, with its row in the same
  transaction, then gives it back (`release`). Once it is recorded, it can be opened until `forget`.
- **A placed content is held** once for each call of `place` that named it. The spool keeps it as
  long as somebody holds it, so that nobody sends it again; `release` gives one hold back. Who gives
  a content up, because it could not be secured or recorded, releases it too.
- **Nobody deletes what is in use.** From `place` until `release` no copy of a content is deleted
  anywhere: not by a sweep, not by `forget`, not because no row names it. So a caller may rely on
  what `secure` said, as long as it records before it releases.
- **What nobody recorded is nobody's**: after a crash, or when a content was given up, copies may be
  left that no row names. The store deletes them, a day later at the earliest.
- **`secure` may be repeated.** What the workspace has already is answered without another copy;
  what is under way is waited for, not begun twice. Contents that come in one call are independent:
  one may fail, with a problem of its own.
- **Below the quorum it waits**, however long, and does not fail. A problem is only what waiting
  cannot mend, or that the server stops (`stopped`).
- **`secured` means durable**: on so many disks as the workspace wants before a receipt is given. A
  power cut of all machines loses nothing of it.
- **Dedupe ends at the workspace**: what another workspace has is copied again, or counted once on a
  disk, but nobody can tell by the time that it takes. A content is deleted from a disk only when no
  workspace refers to it any more.
- **Empty contents are never stored.** Nobody may ask for one: whoever has a file of no bytes knows
  all of it.
- **Nothing waits for another machine**, except reads by a caller that says it may block. All calls
  may block on this machine's disk.
- Calls may come from any thread. `done` and `wake` are called from any thread, perhaps before the
  call returns that they were given to. They must not block, and may not call the store.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from cargo_sync.lanes.ports import Exchange, Reader
from cargo_sync.local.parts import Staged
from cargo_sync.local.piece_lists import DIGESTS, ListForm
from cargo_sync.local.staging import Staging
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer


class Content(NamedTuple):
    """Some bytes: their hash in hex, as a catalogue has it, and how many there are (at least 1)."""

    hash: str
    size: int


class Secured(NamedTuple):
    """Where a content lies now.

    placement  what the state keeps of it, in the row of the content; 0: in the spool
    pieces     also for the row: the list by which its pieces are checked when they are read; b"" if
               it needs none
    """

    placement: int
    pieces: bytes = b""


Done = Callable[[Sequence[Secured | Problem]], None]
"""Called once, with a result for each content, in their order."""
Wake = Callable[[], None]
"""Called when a reader that had nothing yet may have something."""


class Spool(Protocol):
    """Contents on a disk of this machine: those that come, until they are secured.

    staging  where files are written before they are placed. Several workspaces share it, so a
             transfer's id must be made unguessable for users of other workspaces, too
    """

    @property
    def staging(self) -> Staging: ...

    def write(self, path: str, content: memoryview) -> Staged | None:
        """Stages a small file in memory, if there is room; None: stage it in `staging`."""

    def discard(self, staged: Staged, *, keep: bool = False) -> None:
        """As of `staging`; also what `write` has staged."""

    def place(self, some: Sequence[Staged]) -> list[Problem | None]:
        """Puts complete staged files where contents lie, and holds each content once.

        They are durable there only where securing a content means just this.

        It may be called again with a content that is there: then the staged file is dropped. A file
        with a problem was discarded, and is not held. Names and times of staged files mean nothing.
        """

    def holds(self, some: Sequence[Content]) -> list[bool]:
        """Which of these are there, in their size. They may go at once, if nobody holds them."""

    def open(self, content: Content) -> Reader:
        """Reads a content that somebody holds.

        Raises:
            ProblemError: `vanished`; `damaged`, if it is not what it was; or it cannot be read.
        """


class Coming(Protocol):
    """Contents that are to be read soon."""

    def read(self, contents: Sequence[Content], views: Sequence[memoryview]) -> tuple[int, bool]:
        """Gives out small contents, in the order in which they come, each into its view.

        Returns:
            How many of the first ones it gave, each whole and checked; whether the next one is on
            its way: then the `wake` of `coming` is called when that has changed. Any other is to be
            opened.
        """

    def is_over(self) -> bool:
        """Whether nothing is left to be fetched ahead for it."""

    def close(self) -> None:
        """They will not be opened any more."""


class NothingComing:
    """Nothing is fetched ahead."""

    def read(self, contents: Sequence[Content], views: Sequence[memoryview]) -> tuple[int, bool]:
        return 0, False

    def is_over(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing was begun."""


class ComingFile(NamedTuple):
    """A file that is being staged in the spool.

    size   bytes that it will have
    holes  how many of them are known to take no room
    open   opens what is staged of it, for reading: a descriptor; raises OSError once it has
           another place. Any thread may call it
    form   how its pieces are listed when all of it has come
    transfer  its id in the spool, if it can go on after a cut; else ""
    source    a digest of which version of which file it is: another one does not go on with it
    """

    size: int
    holes: int
    open: Callable[[], int]
    form: ListForm = DIGESTS
    transfer: str = ""
    source: bytes = b""


class Forward(Protocol):
    """A content that goes on while it still comes. One thread calls it."""

    def came(self, offset: int, piece: memoryview, exchange: Exchange | None = None) -> None:
        """A piece is being staged. Then it need not be read again soon.

        Its memory is only lent, unless it is exchanged.
        """

    def reached(self, count: int) -> None:
        """So many bytes from its start on are staged. It returns at once."""

    def sealed(self, content: Content) -> None:
        """All of it is placed, as this content; `secure` comes next, and ends this."""

    def close(self, *, kept: bool = True) -> None:
        """It does not come any more, or is not secured; nothing happens once it is sealed.

        With `kept` somebody may go on with it later.
        """


class NoForward:
    """Nothing goes on."""

    def came(self, offset: int, piece: memoryview, exchange: Exchange | None = None) -> None:
        """Nobody needs it."""

    def reached(self, count: int) -> None:
        """Nobody waits for it."""

    def sealed(self, content: Content) -> None:
        """It is secured as any other."""

    def close(self, *, kept: bool = True) -> None:
        """Nothing was begun."""


class ContentStore(Protocol):
    """Keeps contents. The rules are those of the module."""

    @property
    def spool(self) -> Spool:
        """Where contents come."""

    def forward(self, workspace: int, file: ComingFile) -> Forward:
        """A large file has begun to come: as much as is staged may go on. Returns at once."""

    def is_here(self, workspace: int, file: Offer, source: bytes) -> bool:
        """Whether a large file may begin to be staged here.

        False: it had begun at another server, and what came there is being brought into the spool.
        Then this is asked again, some time later. It does not wait.

        Args:
            workspace: whose it is.
            file: as it will be staged, with its transfer's id in the spool.
            source: see `ComingFile`.

        Raises:
            ProblemError: the state cannot be used.
        """

    def secure(self, workspace: int, contents: Sequence[Content], done: Done) -> None:
        """Makes the copies that a workspace wants of contents that are held in the spool."""

    def release(self, contents: Sequence[Content]) -> None:
        """Gives one hold of each of these back: it is recorded, or given up.

        The spool may drop what nobody holds any more.
        """

    def refusal(self, workspace: int) -> Problem | None:
        """Why nothing could be secured now (`below_quorum`), or None.

        It is for those who can tell their client to come again. Others begin all the same: what is
        staged then waits in the spool.
        """

    def open(self, workspace: int, content: Content, wake: Wake | None) -> Reader:
        """Reads a content that the workspace has recorded.

        With `wake` None the reader blocks, for as long as it takes another machine to answer or to
        be given up. Otherwise its `read_into` gives None until it has something, then `wake` is
        called. The file is checked as it is read: nothing damaged is ever given out. Its
        `unchanged` is always true, because contents never change.

        Raises:
            ProblemError: it is known now that no copy can be read: `damaged`, `vanished`,
                `unreachable`. The reader may say the same later.
        """

    def coming(
        self, workspace: int, contents: Sequence[Content], wake: Wake | None = None
    ) -> Coming:
        """These will be read soon, in this order: they may be fetched ahead. Returns at once.

        With a `wake`, what is small is read from what is returned (`Coming.read`), and opened only
        if it does not come so. Without one, all of them are opened.
        """

    def forget(self, workspace: int, hashes: Sequence[str]) -> None:
        """Deletes the copies of contents that this workspace has condemned, with their rows.

        One whose row is live again, or that is in use, stays. Copies that cannot be deleted now,
        because their machine is away, are deleted later. It may be called again.
        """

    def room(self, workspace: int) -> int | None:
        """Bytes that can still be secured; None if it is not known now."""
