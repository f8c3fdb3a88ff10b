"""What a stopped subscriber of the feed costs, and how it catches up.

A server and a daemon on loopback have jobs that upload small files all the time. In every second
block of time a subscriber of the feed is stopped (SIGSTOP); the files per second of both kinds of
blocks are compared. Then the subscriber continues, sees by `seq` what it lost, and reads it by
cursor: at the end it must have every row of the daemon's history exactly once.

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

from benchmarks.programs import Programs, resident, running
from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, subscribe
from cargo_sync.api.gapless import Gapless
from cargo_sync.api.messages import FeedMessage

SIZE = 1024
SAMPLE = 5.0
"""Seconds of one sample."""
AHEAD = 400
"""The most files that wait in a job's folder: enough that the writer is never the bottleneck."""


def main() -> None:
    """Run the measurement with the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each block")
    parser.add_argument(
        "--pairs", type=int, default=2, help="pairs of blocks: without and with a subscriber"
    )
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--listen", metavar="RUNTIME", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.listen:
        listen(chosen.listen)
        return
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        measure(Path(folder), chosen.seconds, chosen.pairs, chosen.jobs)


# -- the subscriber, in its own process ------------------------------------------------------------


def listen(runtime: str) -> None:
    """Follow the history until the cursor in the file `end`; print what was received."""
    addresses = instance_addresses(runtime, "daemon")
    end = Path(runtime, "end")
    cursors: list[int] = []
    figures = {"messages": 0, "gaps": 0, "lost_messages": 0, "read_by_cursor": 0}
    with Client(addresses.commands) as client, subscribe(addresses) as feed:
        following = Gapless(client)
        first = client.call("history", {"limit": 1})["next"]
        print("listening", flush=True)
        while not (end.exists() and at_the_end(cursors, end)):
            message = feed.receive(1.0)
            if message is None:
                continue
            figures["messages"] += 1
            figures["gaps"] += bool(message.missed)
            figures["lost_messages"] += message.missed
            take(following.take(message), cursors, figures)
        take(following.catch_up(), cursors, figures)
    last = int(end.read_text())
    received = set(cursors)
    figures |= {
        "rows": last - first,
        "missing": sum(cursor not in received for cursor in range(first + 1, last + 1)),
        "received_twice": len(cursors) - len(received),
        "not_kept": following.lost,
    }
    print(json.dumps(figures), flush=True)


def at_the_end(cursors: list[int], end: Path) -> bool:
    """Whether the cursor in the file `end` was received."""
    return bool(cursors) and max(cursors) >= int(end.read_text())


def take(
    items: Iterator[dict[str, Any] | FeedMessage], cursors: list[int], figures: dict[str, int]
) -> None:
    """Add the cursors of the received rows, and count those that were read by cursor."""
    for item in items:
        if isinstance(item, FeedMessage):
            assert item.cursor is not None
            cursors.extend(range(item.cursor - item.fields["count"] + 1, item.cursor + 1))
        else:
            figures["read_by_cursor"] += 1
            cursors.append(item["cursor"])


# -- the measurement -------------------------------------------------------------------------------


def measure(folder: Path, seconds: float, pairs: int, jobs: int) -> None:
    """Run all pairs of blocks and print the ratios of their speeds."""
    with processes(folder, jobs) as (runtime, daemon):
        commands = instance_addresses(runtime, "daemon").commands
        with Client(commands) as client, load(folder, client):
            rates(client, SAMPLE)  # the first runs are not measured
            ratios = [
                pair(client, runtime, daemon, seconds, stopped_first=number % 2 == 1)
                for number in range(pairs)
            ]
    mean = statistics.geometric_mean(ratios)
    print(
        "files/s with a stopped subscriber / without a subscriber: "
        f"{', '.join(f'{ratio:.2f}' for ratio in ratios)}; mean {mean:.2f}"
    )


def pair(
    client: Client, runtime: str, daemon: int, seconds: float, *, stopped_first: bool
) -> float:
    """Run two blocks; the ratio of their files per second.

    Every second pair has the other order, so that a growing history and other load on the machine
    affect both kinds of blocks equally.
    """
    medians: dict[bool, float] = {}
    for stopped in (stopped_first, not stopped_first):
        if stopped:
            samples = with_stopped_subscriber(client, runtime, daemon, seconds)
        else:
            samples = rates(client, seconds)
        medians[stopped] = statistics.median(samples)
        kind = "with a stopped subscriber" if stopped else "without a subscriber"
        print(f"  {kind}: {medians[stopped]:.0f} files/s, median of {len(samples)}", flush=True)
    return medians[True] / medians[False]


def with_stopped_subscriber(
    client: Client, runtime: str, daemon: int, seconds: float
) -> list[float]:
    """The files per second with a stopped subscriber; afterwards it continues and reports."""
    before = resident(daemon)
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.slow_subscriber", "--listen", runtime],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGSTOP)
    samples = rates(client, seconds)
    grown = resident(daemon) - before
    child.send_signal(signal.SIGCONT)
    woken = time.monotonic()
    rates(client, SAMPLE)  # new messages: a gap only shows when something comes after it
    Path(runtime, "end").write_text(str(newest(client)))
    figures = json.loads(child.stdout.readline())
    child.wait()
    Path(runtime, "end").unlink()
    print(
        f"stopped for {seconds:g} s; {time.monotonic() - woken:.1f} s later it had all rows; "
        f"the daemon grew by {grown / 1e6:.1f} MB\n  {figures}",
        flush=True,
    )
    return samples


def rates(client: Client, seconds: float) -> list[float]:
    """The rows per second of each sample."""
    samples = []
    for _ in range(max(1, round(seconds / SAMPLE))):
        before, began = newest(client), time.monotonic()
        time.sleep(SAMPLE)
        samples.append((newest(client) - before) / (time.monotonic() - began))
    return samples


def newest(client: Client) -> int:
    """The cursor of the newest row of the history."""
    return int(client.call("history", {"limit": 1})["next"])


@contextmanager
def load(folder: Path, client: Client) -> Iterator[None]:
    """Keep files waiting in every job's folder and start runs, until the end of the `with`."""
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
    """Run both programs; the runtime folder, and the daemon's pid."""
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
