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

    def moved(self, old: str, new: str) -> None:
        """A file or a folder was renamed, by a call: each index of what is in it changes."""
        for path in [one for one in self.index if one == old or one.startswith(f"{old}/")]:
            self.index[new + path[len(old) :]] = self.index.pop(path)
            self._add(self.index[new + path[len(old) :]][0], "path", path, new + path[len(old) :])

    def observe(self) -> None:
        """Looks at the folder itself."""
        found = dict(self._found())
        for path in [one for one in self.index if one not in found]:
            self._add(self.index.pop(path)[0], "delete", path, NOTHING)
        for path, md5 in found.items():
            if path not in self.index:
                self.nodes += 1
                self.index[path] = self.nodes, md5
                self._add(self.nodes, "create", NOTHING, path)
            elif self.index[path][1] != md5:
                self.index[path] = self.index[path][0], md5
                self._add(self.index[path][0], "content", path, path)

    def told(self, since: int) -> bytes:
        """The answer to a call with `stream` and `flatten`."""
        self.observe()
        newest = self.rows[-1].seq if self.rows else 0
        if newest and since > newest:
            return b"LAST_SEQ:1"
        lines = []
        for node in sorted({row.node for row in self.rows if row.seq > since}):
            rows = [row for row in self.rows if row.seq > since and row.node == node]
            order = ("path", "content", "create", "delete")
            kind = max((row.type for row in rows), key=order.index)
            source, target = rows[0].source, rows[-1].target
            if source.startswith(BIN):
                source = NOTHING
            if target.startswith(BIN):
                target, kind = NOTHING, "delete"
            if source != target or kind == "content":
                md5 = next((md5 for one, md5 in self.index.values() if one == node), None)
                line = {
                    "seq": str(rows[-1].seq), "node_id": node, "type": kind, "source": source,
                    "target": target, "node": {"md5": md5},
                }  # fmt: skip
                lines.append(orjson.dumps(line))
        return b"\n".join([*lines, b"LAST_SEQ:%d" % (newest or 1)])

    def _add(self, node: int, kind: str, source: str, target: str) -> None:
        self.rows.append(Row(len(self.rows) + 1, node, kind, source, target))

    def _found(self) -> Iterator[tuple[str, str]]:
        for folder, folders, files in os.walk(self.top):
            above = folder.removeprefix(str(self.top))
            yield from ((f"{above}/{name}", "directory") for name in folders)
            for name in files:
                content = Path(folder, name).read_bytes()
                yield f"{above}/{name}", hashlib.md5(content).hexdigest()
