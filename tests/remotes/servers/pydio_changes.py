"""The log of changes of the server that answers like Pydio, as its plugin `meta.syncable` keeps it.

It was written from what is known of that plugin: an index of the workspace, in which each file and
folder has a number, and a row of the log for each change of it. Before it answers, it looks at the
folder, as Pydio does with OBSERVE_STORAGE_CHANGES: what tests write there is found.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

NOTHING = "NULL"
BIN = "/recycle_bin"


@dataclass(slots=True)
class Row:
    seq: int
    node: int
    type: str
    source: str
    target: str


@dataclass(slots=True)
class Log:
    """The log of the workspace in the folder `top`."""

    top: Path
    index: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Path -> the number and the MD5, which is `directory` of a folder."""
    rows: list[Row] = field(default_factory=list)
    nodes: int = 0

    def renamed(self, old: str, new: str) -> None:
        """A call has renamed a file or a folder: each index of what is in it changes."""
        place = Path(f"{self.top}{new}")
        found = dict(self._below(place)) if place.is_dir() else {}
        found[new] = _md5_of(place)
        for path, md5 in found.items():
            before = old + path.removeprefix(new)
            self._see(before, md5)  # Pydio has an index of what a call has made
            if path in self.index:
                self._add(self.index[path][0], "delete", path, NOTHING)
            self.index[path] = self.index.pop(before)
            self._add(self.index[path][0], "path", before, path)

    def observe(self) -> None:
        """Looks at the folder itself."""
        found = dict(self._below(self.top))
        for path in [one for one in self.index if one not in found]:
            self._add(self.index.pop(path)[0], "delete", path, NOTHING)
        for path, md5 in found.items():
            self._see(path, md5)

    def told(self, since: int) -> bytes:
        """The answer to a call with `stream` and `flatten`."""
        self.observe()
        newest = self.rows[-1].seq if self.rows else 0
        if newest and since > newest:
            return b"LAST_SEQ:1"
        lines = []
        later = dict[int, list[Row]]()
        for row in self.rows[since:]:
            later.setdefault(row.node, []).append(row)
        digests = {node: md5 for node, md5 in self.index.values() if node in later}
        for node, rows in sorted(later.items()):
            order = ("path", "content", "create", "delete")
            kind = max((row.type for row in rows), key=order.index)
            source, target = rows[0].source, rows[-1].target
            if source.startswith(BIN):
                source = NOTHING
            if target.startswith(BIN):
                target, kind = NOTHING, "delete"
            if source != target or kind == "content":
                line = {
                    "seq": str(rows[-1].seq), "node_id": node, "type": kind, "source": source,
                    "target": target, "node": {"md5": digests.get(node)},
                }  # fmt: skip
                lines.append(orjson.dumps(line))
        return b"\n".join([*lines, b"LAST_SEQ:%d" % (newest or 1)])

    def _add(self, node: int, kind: str, source: str, target: str) -> None:
        self.rows.append(Row(len(self.rows) + 1, node, kind, source, target))

    def _see(self, path: str, md5: str) -> None:
        if path not in self.index:
            self.nodes += 1
            self.index[path] = self.nodes, md5
            self._add(self.nodes, "create", NOTHING, path)
        elif self.index[path][1] != md5:
            self.index[path] = self.index[path][0], md5
            self._add(self.index[path][0], "content", path, path)

    def _below(self, top: Path) -> Iterator[tuple[str, str]]:
        for folder, folders, files in os.walk(top):
            above = folder.removeprefix(str(self.top))
            for name in (*folders, *files):
                yield f"{above}/{name}", _md5_of(Path(folder, name))


def _md5_of(place: Path) -> str:
    return "directory" if place.is_dir() else hashlib.md5(place.read_bytes()).hexdigest()
