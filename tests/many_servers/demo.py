"""`make demo CLUSTER=1`: a tree goes up through three servers, one of which is killed, and down.

It is the demo of `cargo_sync demo`, with a PostgreSQL, a bucket and HAProxy that are those of the
tests: the product has none.
"""

import argparse
import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import pytest

from cargo_sync.api.addresses import DAEMON, instance_addresses, is_live
from cargo_sync.api.client import Client
from cargo_sync.demo.programs import DemoError, Program, wait_for
from cargo_sync.demo.progress import JobsByName, shown_size, watch
from cargo_sync.demo.trees import arrived, compare, count_of, look, make_tree, size_of
from tests.e2e.processes import PASSWORD, USER
from tests.many_servers.fleet import WORKSPACE, Fleet

UP, DOWN = "demo up", "demo down"
SERVERS: Final = 3


class Demo:
    """The daemon and its folders, beside the servers."""

    def __init__(self, folder: Path, fleet: Fleet, source: Path, last: contextlib.ExitStack):
        self.fleet = fleet
        self.last = folder / "last"
        self.killed = ""
        self._source = source
        self._jobs = folder / "jobs"
        self._jobs.mkdir()
        runtime = last.enter_context(tempfile.TemporaryDirectory(prefix="cg"))
        self._addresses = instance_addresses(runtime, DAEMON)
        settings = {"jobs_dir": str(self._jobs), "state_dir": str(folder / "daemon")}
        (folder / "daemon.json").write_text(json.dumps(settings))
        env = fleet.environment(runtime)
        given = "daemon", "--config", str(folder / "daemon.json")
        self.daemon = last.enter_context(Program("daemon", str(folder), env, *given))
        wait_for(self.daemon, lambda: is_live(self._addresses.feed))

    def run(self, name: str, size: int, has_ended: Callable[[JobsByName], bool]) -> float:
        """Adds a job, and waits until it has ended; the seconds that it took."""
        mode, folder = ("upload", self._source) if name == UP else ("download", self.last)
        path = self._jobs / f"{mode}.json"
        path.write_text(json.dumps({
            "sync_name": name, "sync_mode": mode, "local_dir": str(folder), "remote_dir": "/demo",
            "hostname": self.fleet.url, "username": USER, "password": PASSWORD,
            "workspace": WORKSPACE, "sleep": 1, "settle": 0.5,
        }))  # fmt: skip
        path.chmod(0o600)
        with Client(self._addresses.commands) as client:
            client.call("reload")

        def check(jobs: JobsByName) -> None:
            self.daemon.check()
            if name == UP and not self.killed and jobs[name].arrived >= size / 2:
                self._kill()

        return watch(self._addresses, (name,), size, has_ended, check)

    def _kill(self) -> None:
        """Kills the server that has the upload."""
        rows: list[dict[str, Any]] = self.fleet.call("a", "server.list")["servers"]
        busy = [row["server"] for row in rows if (row["figures"] or {}).get("uploads")]
        self.killed = busy[0] if busy else rows[0]["server"]
        self.fleet.kill(self.killed)
        click.echo(f"killed with -9: the server {self.killed}")


def run(folder: Path, source: Path | None, files: int | None, store: str) -> None:
    """Runs it. Raises DemoError."""
    if source is None:
        source = folder / "first"
        click.echo(f"making a tree of files in {source}")
        make_tree(str(source), files)
    wanted = look(str(source))
    size, count = size_of(wanted), count_of(wanted)
    with contextlib.ExitStack() as last:
        fleet = last.enter_context(Fleet(folder, SERVERS, store))
        fleet.start()
        click.echo(f"{SERVERS} servers are up, on one PostgreSQL, with {store}; {fleet.balancer}")
        demo = Demo(folder, fleet, source, last)
        click.echo(f"{count:,} files, {shown_size(size)}: {source} -> servers -> {demo.last}")
        # What a killed server had recorded, and told nobody, is found later: it is not counted.
        seconds = demo.run(UP, size, lambda jobs: bool(demo.killed) or jobs[UP].files >= count)
        seconds += demo.run(DOWN, size, lambda _: arrived(wanted, str(demo.last)))
        compare(wanted, str(source), str(demo.last))
        if not demo.killed:
            raise DemoError("no server was killed: the upload had ended before")
        fleet.start(demo.killed)
        click.echo(f"the server {demo.killed} is up again")
        speed = size / seconds / 1e6
        click.echo(f"demo: {count} files, {size} bytes, {speed:.1f} MB/s, verified")


def main() -> int:
    """Returns 1 if a file is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.many_servers.demo", description=__doc__)
    parser.add_argument("--source", type=Path, help="a folder to transfer, which is only read")
    parser.add_argument("--files", type=int, help="small files to make")
    parser.add_argument("--store", default="rclone-s3", help="swift, rclone-s3 or ceph")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="cargo-demo-") as folder:
        try:
            run(Path(folder), given.source, given.files, given.store)
        except (DemoError, AssertionError, pytest.skip.Exception) as error:
            click.echo(f"demo: {error}", err=True)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
