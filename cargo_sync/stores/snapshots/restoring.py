"""The newest snapshot becomes the state of a new machine. All of it blocks.

Everything is first put into `recovering` in the new state_dir, and made ready there: the state
begins again (`state.recovery`). A mark says that it is complete. From then on a kill costs nothing:
the next call goes on. Each file is renamed to its place, the server's own file last: before that no
server starts. Nothing that is there already is ever replaced.

What nodes say is not believed: the newest snapshot is the one with the greatest number that can be
opened. The state that is in it names all nodes, so those that nobody has named are asked, too.
"""

import filecmp
import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.relaxed import parse
from cargo_sync.machines.nodes.snapshots import MadeSnapshot, generation_after
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.state.nodes import NodeRow, NodeRows
from cargo_sync.state.recovery import RecoveryRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.snapshots import archive
from cargo_sync.stores.snapshots.asking import AskedNode, OfferedSnapshot
from cargo_sync.stores.snapshots.sealing import SealedReader, Stream

PLACE: Final = "recovering"
_COMPLETE: Final = "complete"
_PIECE: Final = 1 << 20
Dial = Callable[[str, int, str], AskedNode]
"""Makes a node that can be asked, from host, port and the fingerprint of its certificate."""


@dataclass(frozen=True, slots=True)
class NewMachine:
    """Where the files of a server belong here.

    file       its settings
    state_dir  the folder of its state, if its file does not name one
    keys       the folder of the keys of its control sockets
    """

    file: str
    state_dir: str
    keys: str


class RestoredServer(NamedTuple):
    """What has become of it.

    snapshot   whose state it is; None if an earlier call had got it
    state_dir  where its state is
    without    why nodes that the state names could not say whether they have a newer one
    """

    snapshot: MadeSnapshot | None
    state_dir: str
    without: Sequence[Problem]


class _Place(NamedTuple):
    """A file that is ready, and where it belongs."""

    source: str
    target: str


class _CompleteAlreadyError(Exception):
    """An earlier call has made everything ready, and was stopped then."""


class Restoring:
    """Brings a server back; once."""

    def __init__(self, key: RecoveryKey, here: NewMachine, dial: Dial) -> None:
        self._key = key
        self._here = here
        self._dial = dial
        self._offers: list[tuple[OfferedSnapshot, AskedNode]] = []
        self._problems: dict[str, Problem] = {}
        self._asked = set[str]()
        self._state = ""
        """The new state_dir, once it is known."""

    def __call__(self, nodes: Sequence[AskedNode]) -> RestoredServer:
        """Asks these nodes, and those that the state names, and puts the newest state in place.

        Raises:
            ProblemError: no node has a snapshot that can be opened; something is here already;
                the disk failed. To call it again is always safe.
        """
        self._ask(nodes)
        taken: tuple[MadeSnapshot, str] | None = None
        while self._offers:
            offer, node = self._offers[0]
            if taken is not None and offer.snapshot.number <= taken[0].number:
                break
            try:
                taken = self._take(offer, node)
            except ProblemError as error:
                if error.problem.code is Code.OCCUPIED:
                    raise
                self._problems[node.name] = error.problem
                taken = None  # it may have been replaced already
                del self._offers[0]
                continue
            if not taken[1]:
                break
            self._ask([self._dial(*_address(row)) for row in self._named(taken[1])])
        if taken is None:
            raise self._nothing()
        return self._finish(*taken)

    # -- nodes -------------------------------------------------------------------------------------

    def _ask(self, nodes: Sequence[AskedNode]) -> None:
        for node in nodes:
            if node.name in self._asked:
                continue
            self._asked.add(node.name)
            try:
                self._offers += [(one, node) for one in node.snapshots()]
            except ProblemError as error:
                self._problems[node.name] = error.problem
        self._offers.sort(key=lambda one: one[0].snapshot.number, reverse=True)

    def _named(self, staging: str) -> list[NodeRow]:
        with SqliteDatabase.open(os.path.join(staging, archive.STATE), "server") as database:
            return NodeRows(database).all()

    def _nothing(self) -> ProblemError:
        if self._problems:
            return ProblemError(next(iter(self._problems.values())))
        words = "none of these nodes has a snapshot for this recovery key"
        return ProblemError(Problem(Code.UNKNOWN, words, hint="name other nodes", retry=False))

    # -- files -------------------------------------------------------------------------------------

    def _take(self, offer: OfferedSnapshot, node: AskedNode) -> tuple[MadeSnapshot, str]:
        """Brings a snapshot into a folder of the new state_dir.

        Returns:
            The snapshot and the folder; "" if an earlier call has left a complete one here.

        Raises:
            ProblemError: `occupied`: something is here already; or it cannot be had.
        """
        reader = SealedReader(node.open(offer), self._key.sealing)
        try:
            return reader.head.snapshot, self._unpacked(reader, offer, node)
        except _CompleteAlreadyError:
            return reader.head.snapshot, ""

    def _unpacked(self, reader: SealedReader, offer: OfferedSnapshot, node: AskedNode) -> str:
        with archive.unpack(reader) as found:
            if reader.head.snapshot.number != offer.snapshot.number:
                words = f"the node {node.name} gave another snapshot than it had said"
                raise ProblemError(Problem(Code.CORRUPT, words, retry=False))
            state_dir = self._state_dir(found)
            staging = os.path.join(state_dir, PLACE)
            self._state = state_dir
            with _translated(staging):
                if os.path.exists(os.path.join(staging, _COMPLETE)):
                    raise _CompleteAlreadyError
                _must_be_free(state_dir)
                _must_be_free_file(self._here.file)
                shutil.rmtree(staging, ignore_errors=True)
                os.makedirs(os.path.join(staging, "keys"), mode=0o700)
                os.makedirs(os.path.join(staging, "state"), mode=0o700)
                for name, content in found.small.items():
                    _write(os.path.join(staging, name), content)
                _write_stream(os.path.join(staging, archive.STATE), found.state)
        return staging

    def _state_dir(self, found: archive.Unpacked) -> str:
        """Where the state belongs: where the server's file says it, else where it usually is."""
        try:
            about = orjson.loads(found.small[archive.ABOUT])
            text = found.small[archive.FILE].decode()
            named = "state_dir" in parse(text, archive.FILE).value
            return str(about["state_dir"]) if named else self._here.state_dir
        except (KeyError, ValueError, ConfigError) as error:
            words = "the snapshot was not made by a server that this release knows"
            raise ProblemError(Problem(Code.CORRUPT, words, retry=False)) from error

    def _finish(self, snapshot: MadeSnapshot, staging: str) -> RestoredServer:
        if staging:
            self._begin_again(staging, generation_after(snapshot.number))
            with _translated(staging):
                _write(os.path.join(staging, _COMPLETE), b"")
                for folder in (staging, self._state):
                    _sync(folder)
        self._publish()
        return RestoredServer(
            snapshot if staging else None, self._state, list(self._problems.values())
        )

    def _begin_again(self, staging: str, generation: int) -> None:
        with SqliteDatabase.open(os.path.join(staging, archive.STATE), "server") as database:
            RecoveryRows(database).begin_again(generation)

    def _publish(self) -> None:
        """Puts what is complete into its places; goes on where an earlier call was stopped."""
        staging = os.path.join(self._state, PLACE)
        with _translated(staging):
            some = [one for one in self._places(staging) if os.path.exists(one.source)]
            for one in some:
                _must_be_free_file(one.target, one.source)
            for one in some:
                _move(*one)
            shutil.rmtree(staging)

    def _places(self, staging: str) -> Iterator[_Place]:
        here = self._here
        for folder, target in (("keys", here.keys), ("state", self._state)):
            for name in sorted(_names(os.path.join(staging, folder))):
                yield _Place(os.path.join(staging, folder, name), os.path.join(target, name))
        state = os.path.join(self._state, archive.STATE)
        yield _Place(os.path.join(staging, archive.STATE), state)
        yield _Place(os.path.join(staging, archive.FILE), here.file)


def _address(row: NodeRow) -> tuple[str, int, str]:
    return row.host, row.port, row.fingerprint


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _must_be_free(state_dir: str) -> None:
    """Raises ProblemError: there is a state already."""
    if there := sorted(set(_names(state_dir)) - {PLACE}):
        words = f"{state_dir!r} is not empty: it has {there[0]!r}"
        raise _occupied(words, "a server is recovered into an empty state_dir: move it away")


def _must_be_free_file(target: str, source: str = "") -> None:
    """Raises ProblemError: there is a file already which is not what belongs there."""
    if not os.path.lexists(target):
        return
    if source and filecmp.cmp(source, target, shallow=False):
        return
    raise _occupied(f"{target!r} is there already", "move it away, then try again")


def _occupied(words: str, hint: str) -> ProblemError:
    return ProblemError(Problem(Code.OCCUPIED, words, hint=hint, retry=False))


def _move(source: str, target: str) -> None:
    """Renames a file to its place, durably; onto another disk it is copied, at once or not."""
    folder = os.path.dirname(target)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.stat(source).st_dev == os.stat(folder).st_dev:
        os.replace(source, target)
    else:
        fresh = f"{target}.{PLACE}"
        with open(source, "rb") as file:
            _write_stream(fresh, file)
        os.replace(fresh, target)
        _sync(folder)
        os.unlink(source)
    _sync(folder)


def _write(path: str, content: bytes) -> None:
    with _private(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _write_stream(path: str, content: Stream) -> None:
    with _private(path) as file:
        while piece := content.read(_PIECE):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _private(path: str) -> Iterator[io.BufferedWriter]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "wb") as file:
        yield file


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProblemError(from_os_error(error, error.filename or path)) from error
