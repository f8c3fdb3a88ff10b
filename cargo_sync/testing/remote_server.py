"""What lies on somebody else's server, in memory, and what people do with it there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER

Fault = Callable[[str, str], None]
"""Called with (call, path) before each call, and with (call + " done", path) after it; it may raise
what the call then raises."""


class Item(NamedTuple):
    """What is at a path. `number` grows with each change; `hash` is what an upload said."""

    kind: str
    content: bytes = b""
    mtime_ns: int = 0
    mode: int = 0o644
    target: str = ""
    number: int = 1
    ident: int = 0
    hash: str = ""


@dataclass(slots=True)
class UnpublishedParts:
    """An upload that is not published: its pieces, by offset."""

    pieces: dict[int, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class MemoryServer:
    """What lies on the server.

    items    by path; ours below `.cargo_sync` too
    uploads  what is not published, by its id
    calls    (call, path) of every client, in order
    sent     bytes of content that came
    passed   bytes of content that were used in the thread that got them
    chunk    bytes of a piece of content that is read
    silent   folders whose listings are empty for now, as of a server that hides what it cannot read
    log      the path of each change, for a server that tells of them; the first has the number 1
    """

    items: dict[str, Item] = field(default_factory=dict)
    uploads: dict[str, UnpublishedParts] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    passed: int = 0
    chunk: int = 64 * 1024
    silent: set[str] = field(default_factory=set)
    fault: Fault | None = None
    log: list[str] = field(default_factory=list)
    _numbers: int = 0

    def put(self, path: str, item: Item, *, ident: int = 0) -> None:
        """Puts something at a path; it gets a new number, and a new ident unless it keeps one."""
        self._numbers += 1
        number = self._numbers + 1  # 1 is that of folders
        self.items[path] = item._replace(number=number, ident=ident or number)
        self.log.append(path)

    def take(self, path: str) -> Item | None:
        """Takes away what is at a path, if something is."""
        self.log.append(path)
        return self.items.pop(path, None)

    # -- what people do there ----------------------------------------------------------------------

    def write(self, path: str, content: bytes, mtime_ns: int = 0, mode: int = 0o644) -> None:
        """Writes a file, and makes the folders above it."""
        for above in paths.upwards(paths.parent(path)):
            if above not in self.items:
                self.put(above, Item(FOLDER, mode=0o755))
        self.put(path, Item(FILE, content, mtime_ns, mode))

    def make(self, path: str) -> None:
        """Makes a folder, whose parent is there."""
        self.put(path, Item(FOLDER, mode=0o755))

    def drop(self, path: str) -> None:
        """Removes `path`, and what is below it."""
        for gone in [one for one in self.items if paths.is_below(one, path)]:
            self.take(gone)

    def read_at(self, path: str) -> bytes:
        return self.items[path].content

    def files(self, folder: str = "", *, ours: bool = False) -> dict[str, bytes]:
        """The contents below a folder, by path, without what is below `.cargo_sync`."""
        return {
            path: item.content
            for path, item in sorted(self.items.items())
            if item.kind == FILE
            and paths.is_below(path, folder)
            and (ours or not paths.is_below(path, paths.RESERVED))
        }

    def trash(self) -> dict[str, bytes]:
        """The contents in the trash, by path."""
        return self.files(f"{paths.RESERVED}/trash", ours=True)
