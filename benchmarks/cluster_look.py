"""What a look costs in a workspace of a million entries on PostgreSQL, over HTTP at a real server.

A look that finds nothing new, pages of changes and of folders, and all changes since the beginning,
with the memory of the server meanwhile. The entries are rows only: 1,000 folders, and one more with
a tenth of all files.

    .venv/bin/python -m benchmarks.cluster_look --entries 1000000
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import psycopg

from tests.e2e.processes import PASSWORD, USER
from tests.many_servers.fleet import WORKSPACE, Fleet

FOLDERS: Final = 1_000
LARGE: Final = "large"
"""A folder with a tenth of all files."""
PAGE: Final = 2_000
LOOKS: Final = 200
_FILL: Final = """
INSERT INTO entry (workspace, path, parent, version, id, kind, size, mtime_ns, mode, ctime_ns,
    inode, hash, target, deleted, changed)
SELECT {space}, convert_to(at, 'UTF8') || '\\x00'::bytea || convert_to(name, 'UTF8'),
    convert_to(at, 'UTF8'), number, number, 'f', 1000 + number % 1000,
    1600000000000000000 + number, 420, 0, 0, md5(number::text) || md5((-number)::text),
    '', 0, number
FROM (
    SELECT {first} + row AS number, 'file ' || row AS name,
        CASE WHEN row % 10 = 0 THEN '{large}' ELSE 'folder ' || row % {folders} END AS at
    FROM generate_series(1, {files}) AS row
) AS made
"""


class Looks:
    """A server with a filled workspace, and one who looks."""

    def __init__(self, fleet: Fleet) -> None:
        [server] = fleet.servers.values()
        assert server.program is not None, "it runs"
        self._url = f"http://127.0.0.1:{server.api}/v1"
        self._pid = server.program.pid
        said = self._answer("/login", {"username": USER, "password": PASSWORD})
        self._token = said["token"]

    def get(self, what: str, **query: object) -> dict[str, Any]:
        found = self._answer(f"/workspaces/{WORKSPACE}/{what}?{urlencode(query)}")
        assert isinstance(found, dict)
        return found

    def _answer(self, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        asked = urllib.request.Request(f"{self._url}{path}")
        if body is not None:
            asked.data = json.dumps(body).encode()
            asked.add_header("Content-Type", "application/json")
        else:
            asked.add_header("Authorization", f"Bearer {self._token}")
        with urllib.request.urlopen(asked) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def memory(self) -> int:
        """MiB that the server has."""
        for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
        raise AssertionError("the server has ended")


@contextmanager
def filled(entries: int) -> Iterator[Looks]:
    """A server whose workspace has so many entries."""
    with tempfile.TemporaryDirectory(prefix="cglook") as place:
        Path(place).chmod(0o711)
        with Fleet(Path(place), 1, "rclone-s3", {"shared_buffers": "256MB"}) as fleet:
            fleet.start()
            fleet.stop(*fleet.servers)
            with psycopg.connect(fleet.database, autocommit=True) as connection:
                fill(connection, entries)
            fleet.start()
            yield Looks(fleet)


def fill(connection: "psycopg.Connection[Any]", entries: int) -> None:
    """Files and their folders become rows of the workspace, as if they had come one by one."""
    [[space]] = connection.execute(
        "SELECT id FROM workspace WHERE root = %s", (f"bucket:{WORKSPACE}",)
    ).fetchall()
    values = {"space": space, "first": FOLDERS + 1, "large": LARGE, "folders": FOLDERS}
    files = entries - FOLDERS - 1
    connection.execute(
        f"""INSERT INTO entry SELECT {space}, convert_to(name, 'UTF8'), '', number, number, 'd', 0,
        1600000000000000000, 493, 0, 0, '', '', 0, number
        FROM (SELECT row + 1 AS number, 'folder ' || row AS name
            FROM generate_series(0, {FOLDERS - 1}) AS row UNION SELECT {FOLDERS + 1}, '{LARGE}')
        AS made""".encode()
    )
    connection.execute(_FILL.format(files=files, **values).encode())
    connection.execute(
        "UPDATE workspace SET sequence = %s, files = %s, bytes = %s WHERE id = %s",
        (entries, files, 1_500 * files, space),
    )
    connection.execute("ANALYZE")


def timed(work: Callable[[], object], times: int) -> str:
    """How long it takes: the median, and the 99th of a hundred."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    worst = sorted(took)[int(0.99 * (times - 1))]
    return f"{1e3 * statistics.median(took):8.1f} ms, {1e3 * worst:8.1f} ms at most in 99 of 100"


def main() -> int:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster_look", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    given = parser.parse_args()
    with filled(given.entries) as looks:
        before = looks.memory()
        print(f"{given.entries:,} entries; the server has {before} MiB", flush=True)

        def show(name: str, work: Callable[[], object], times: int = LOOKS) -> None:
            print(f"{name:36} {timed(work, times)}", flush=True)

        show("a look that finds nothing new", lambda: looks.get("changes", since=given.entries))
        show("the same, below a folder",
             lambda: looks.get("changes", since=given.entries, under="folder 7"))  # fmt: skip
        show("the last change", lambda: looks.get("changes", since=given.entries - 1))
        show("a page of the first changes", lambda: looks.get("changes", since=0, limit=PAGE), 20)
        show("changes below a folder",
             lambda: looks.get("changes", since=0, under="folder 7", limit=PAGE), 10)  # fmt: skip
        show("a folder of 900 files",
             lambda: looks.get("tree", path="folder 7", limit=PAGE), 20)  # fmt: skip
        show("a page of the large folder", lambda: looks.get("tree", path=LARGE, limit=PAGE), 10)
        show("a page of it from the middle",
             lambda: looks.get("tree", path=LARGE, after="file 5", limit=PAGE), 10)  # fmt: skip
        since, pages, rows, most, start = 0, 0, 0, before, time.perf_counter()
        while True:
            page = looks.get("changes", since=since, limit=PAGE)
            rows, pages = rows + len(page["rows"][0]), pages + 1
            since, most = page["next"], max(most, looks.memory())
            if not page["more"]:
                break
        took = time.perf_counter() - start
        assert rows == given.entries, rows
        print(
            f"all changes: {rows:,} rows in {pages} pages, {took:.1f} s, "
            f"{1e6 * took / rows:.1f} us a row; the server had {most} MiB at most"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
