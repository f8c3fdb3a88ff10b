"""Callbacks of thousands of files, sent to a real HTTP server through errors and a crash.

One job uploads the files and another downloads them; each start and each end is a callback. In the
middle the HTTP server answers 503 for a while, the daemon is killed (kill -9), and the HTTP server
is stopped for a while. Prints how many callbacks arrived, how many are missing, how many came
twice, and whether the order of each transfer was kept. The exit code is 1 if a callback is missing
or out of order.

    .venv/bin/python -m benchmarks.callbacks [FILES]
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.e2e.processes import Place, place, tree
from tests.e2e.receiver import Receiver, Taken

FILES = 5_000
SIZE = 2_000
SPEED = "3mbps"
BUSY = 3.0
AWAY = 5.0
PATIENCE = 600.0
EVENTS = ("onStart", "onFinish")


def events(port: int) -> dict[str, Any]:
    """The field `events` of a job file, with callbacks to this port."""
    body = {"job": "{{ SYNC_NAME }}", "file": "{{ FILE_NAME }}", "transfer": "{{ TRANSFER_ID }}"}
    return {
        name: {"method": "POST", "url": f"http://127.0.0.1:{port}/", "body": body | {"event": name}}
        for name in EVENTS
    }


def report(what: str, since: float) -> None:
    """Print what happened, and the seconds since `since`."""
    print(f"{time.monotonic() - since:6.1f} s  {what}", flush=True)


def troubles(here: Place, receiver: Receiver, wanted: int, began: float) -> None:
    """Cause the errors and the crash, each after a part of the callbacks has arrived."""
    here.until(lambda: len(receiver.taken) >= wanted // 20, "some are taken", PATIENCE)
    report(f"{len(receiver.taken):,} arrived; now 503 for {BUSY:g} s", began)
    receiver.answers(lambda number: 503)
    time.sleep(BUSY)
    receiver.answers(lambda number: 200)
    here.until(lambda: len(receiver.taken) >= wanted // 5, "more are taken", PATIENCE)
    moving = here.call("status")["state"]
    waits = here.call("callback.list", limit=1)["totals"]["pending"]
    here.kill("daemon")
    taken = len(receiver.taken)
    report(
        f"{taken:,} arrived; daemon killed while {moving}, {waits:,} waiting; "
        f"HTTP server stopped for {AWAY:g} s",
        began,
    )
    receiver.down()
    here.start("daemon")
    time.sleep(AWAY)
    receiver.up()
    report("HTTP server started again", began)


def judge(taken: list[Taken], expected: set[tuple[str, str, str]]) -> int:
    """Print the results; 1 if something is missing or out of order."""
    came = Counter((one.body["job"], one.body["event"], one.body["file"]) for one in taken)
    missing = expected - came.keys()
    ids = Counter(one.id for one in taken)
    disordered = 0
    started: set[str] = set()
    seen: set[str] = set()
    ends: Counter[str] = Counter()
    for one in taken:
        if one.id in seen:
            continue
        seen.add(one.id)
        if one.body["event"] == "onStart":
            started.add(one.body["transfer"])
        else:
            disordered += one.body["transfer"] not in started
            ends[one.body["transfer"]] += 1
    print(f"expected                  {len(expected):,}")
    print(f"arrived                   {len(seen):,} (by webhook-id)")
    print(f"missing                   {len(missing):,}")
    print(f"came twice                {sum(ids.values()) - len(ids):,}")
    print(f"end before its start      {disordered:,}")
    print(f"start without one end     {sum(ends[id] != 1 for id in started):,}")
    return int(bool(missing or disordered))


def main() -> int:
    """Run the measurement; the exit code."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    receiver = Receiver()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="cargo-callbacks-") as folder,
            place(Path(folder)) as here,
        ):
            up = here.job("up", events=events(receiver.port), speed=SPEED)
            down = here.job("down", "download", events=events(receiver.port))
            for number in range(files):
                (up / f"{number:05d} {{{{ ERROR }}}} é.bin").write_bytes(
                    b"%05d" % number * (SIZE // 5)
                )
            names = set(tree(up))
            expected = {
                (job, event, name) for job in ("up", "down") for event in EVENTS for name in names
            }
            here.start("server")
            began = time.monotonic()
            here.start("daemon")
            troubles(here, receiver, len(expected), began)
            here.until(lambda: len(tree(down)) == files, "all files arrived", PATIENCE)
            report(
                f"all {files:,} files were transferred; {len(receiver.taken):,} callbacks arrived",
                began,
            )
            here.until(
                lambda: (
                    here.call("callback.list", limit=1)["totals"]["pending"] == 0
                    and here.shown("down")["state"] == here.shown("up")["state"] == "synced"
                ),
                "no callback waits",
                PATIENCE,
            )
            report("no callback waits", began)
            return judge(receiver.taken, expected)
    finally:
        receiver.down()


if __name__ == "__main__":
    sys.exit(main())
