"""What a subscriber that stands still costs, and how it closes its gap.

A server and a daemon of their own, on loopback, with jobs that upload small files all the time. In
every second block of time a subscriber of the feed is stopped (SIGSTOP); the files a second of both
kinds of block are compared. Then the subscriber goes on, sees by `seq` what it lost, and reads it
by cursor: at the end each row of the daemon's history must have been told to it, and told once.

    python -m benchmarks.slow_subscriber --seconds 60 --pairs 2
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.programs import Programs, running
from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, subscribe
from cargo_sync.api.gapless import Gapless
from cargo_sync.api.messages import FeedMessage

SIZE = 1024
SAMPLE = 5.0
"""Seconds that one figure is taken over."""
AHEAD = 400
"""Files that wait in each job's folder at most: the writer is never what is measured."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of each block")
    parser.add_argument(
        "--pairs", type=int, default=2, help="of blocks: without, and with one stopped"
    )
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--listen", metavar="RUNTIME", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.listen:
        listen(chosen.listen)
        return
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        measure(Path(folder), chosen.seconds, chosen.pairs, chosen.jobs)


# -- the subscriber, a process of its own ----------------------------------------------------------


def listen(runtime: str) -> None:
    """Follows everything, until the file `end` names the last cursor there is; prints what it was
    told."""
    addresses = instance_addresses(runtime, "daemon")
    end = Path(runtime, "end")
    cursors: list[int] = []
    figures = {"messages": 0, "gaps": 0, "lost_messages": 0, "read_by_cursor": 0}
    with Client(addresses.commands) as client, subscribe(addresses.feed) as feed:
        following = Gapless(client)
        first = client.call("history", {"limit": 1})["next"]
        print("listening", flush=True)
        while not (end.exists() and feed_is_quiet(cursors, end)):
            message = feed.receive(1.0)
            if message is None:
                continue
            figures["messages"] += 1
            figures["gaps"] += bool(message.missed)
            figures["lost_messages"] += message.missed
            take(following.take(message), cursors, figures)
        take(following.catch_up(), cursors, figures)
    last = int(end.read_text())
    told = set(cursors)
    figures |= {
        "rows": last - first,
        "missing": sum(cursor not in told for cursor in range(first + 1, last + 1)),
        "told_twice": len(cursors) - len(told),
        "not_kept": following.lost,
    }
    print(json.dumps(figures), flush=True)


def feed_is_quiet(cursors: list[int], end: Path) -> bool:
    return bool(cursors) and max(cursors) >= int(end.read_text())


def take(
    items: Iterator[dict[str, Any] | FeedMessage], cursors: list[int], figures: dict[str, int]
) -> None:
    for item in items:
        if isinstance(item, FeedMessage):
            assert item.cursor is not None
            cursors.extend(range(item.cursor - item.fields["count"] + 1, item.cursor + 1))
        else:
            figures["read_by_cursor"] += 1
            cursors.append(item["cursor"])


# -- the measurement -------------------------------------------------------------------------------


def measure(folder: Path, seconds: float, pairs: int, jobs: int) -> None:
    with processes(folder, jobs) as (runtime, daemon):
        commands = instance_addresses(runtime, "daemon").commands
        with Client(commands) as client, load(folder, client):
            rates(client, SAMPLE)  # the first looks
            ratios = [
                pair(client, runtime, daemon, seconds, stopped_first=number % 2 == 1)
                for number in range(pairs)
            ]
    print(
        f"files/s beside one that is stopped, to those without a subscriber: "
        f"{', '.join(f'{ratio:.2f}' for ratio in ratios)}; mean {statistics.geometric_mean(ratios):.2f}"
    )


def pair(
    client: Client, runtime: str, daemon: int, seconds: float, *, stopped_first: bool
) -> float:
    """Two blocks, and how their rates compare.

    Every second pair is the other way round: a history that grows, and neighbours on the machine,
    meet both kinds of block alike.
    """
    medians: dict[bool, float] = {}
    for stopped in (stopped_first, not stopped_first):
        if stopped:
            told = beside_one_that_is_stopped(client, runtime, daemon, seconds)
        else:
            told = rates(client, seconds)
        medians[stopped] = statistics.median(told)
        kind = "with one that is stopped" if stopped else "without a subscriber"
        print(f"  {kind}: {medians[stopped]:.0f} files/s, median of {len(told)}", flush=True)
    return medians[True] / medians[False]


def beside_one_that_is_stopped(
    client: Client, runtime: str, daemon: int, seconds: float
) -> list[float]:
    """The rates while a subscriber stands still; then it goes on, and what it was told is
    printed."""
    before = resident(daemon)
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.slow_subscriber", "--listen", runtime],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGSTOP)
    told = rates(client, seconds)
    grown = resident(daemon) - before
    child.send_signal(signal.SIGCONT)
    woken = time.monotonic()
    rates(client, SAMPLE)  # news after it woke: a gap shows by what comes after it
    Path(runtime, "end").write_text(str(newest(client)))
    figures = json.loads(child.stdout.readline())
    child.wait()
    Path(runtime, "end").unlink()
    print(
        f"stopped for {seconds:g} s; {time.monotonic() - woken:.1f} s after it woke it knew all; "
        f"the daemon grew by {grown / 1e6:.1f} MB\n  {figures}",
        flush=True,
    )
    return told


def rates(client: Client, seconds: float) -> list[float]:
    """Rows a second, a figure for each sample."""
    told = []
    for _ in range(max(1, round(seconds / SAMPLE))):
        before, began = newest(client), time.monotonic()
        time.sleep(SAMPLE)
        told.append((newest(client) - before) / (time.monotonic() - began))
    return told


def newest(client: Client) -> int:
    return int(client.call("history", {"limit": 1})["next"])


def resident(pid: int) -> int:
    """Bytes, on Linux."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def load(folder: Path, client: Client) -> Iterator[None]:
    """Keeps files waiting in every job's folder, and asks for looks; ends with the block."""
    ended = threading.Event()

    def write() -> None:
        content, number = os.urandom(SIZE - 8), 0
        with Client(client.address) as asking:
            while not ended.is_set():
                rows = asking.call("job.list", timeout=60)["jobs"]
                for row in rows:
                    progress = row["progress"]
                    waiting = progress["files_total"] - progress["files_done"]
                    below = folder / "local" / row["name"] / f"{number // 1000:06d}"
                    below.mkdir(exist_ok=True)
                    for _ in range(max(0, AHEAD - waiting) // 4):
                        number += 1
                        (below / f"{number:09d}").write_bytes(number.to_bytes(8, "big") + content)
                    asking.call("job.sync", {"job": row["name"]}, timeout=60)
                ended.wait(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


@contextmanager
def processes(folder: Path, jobs: int) -> Iterator[tuple[str, int]]:
    """The runtime folder and the daemon's pid, while both programs run."""
    names = [f"job{number}" for number in range(jobs)]
    wanted = {
        name: {
            "sync_mode": "upload",
            "local_dir": str(folder / "local" / name),
            "remote_dir": name,
            "sleep": 1,
            "settle": 0,
        }
        for name in names
    }
    both = Programs(folder, wanted, daemon={"parallel_transfers": jobs}, log_level="error")
    with running(both) as programs:
        yield programs.runtime, programs.processes["daemon"].pid


if __name__ == "__main__":
    main()
