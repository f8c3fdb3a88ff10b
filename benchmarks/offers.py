"""How much memory one login can make a server hold with offers that it never fulfils.

A server on loopback is offered batches of as many files as a batch may have, on several lanes of
one user, and nothing of them is sent. Its resident memory is read before, at the peak, and at the
end.

    python -m benchmarks.offers --lanes 3 --batches 8
"""

import argparse
import asyncio
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from benchmarks.programs import USER, Programs, until
from cargo_sync.lanes.connect import open_lane
from cargo_sync.lanes.link import Link
from cargo_sync.model.transfers import Offer
from cargo_sync.trees.cargo.api import Api, ServerLogin
from cargo_sync.trees.cargo.replies import FlowReply
from cargo_sync.wire import messages, records
from cargo_sync.wire.frames import PIECE
from cargo_sync.wire.handshake import LaneKeys

ASKED: Final = {"direction": "upload", "workspace": "default", "path": "", "run": "r"}


def main() -> None:
    """Run the measurement with the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lanes", type=int, default=3)
    parser.add_argument("--batches", type=int, default=8, help="on each lane")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long it goes on")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        programs = Programs(Path(folder), {}, log_level="error")
        programs.start("server")
        try:
            until(programs.listens, "the server answers")
            measure(programs, chosen.lanes, chosen.batches, chosen.seconds)
        finally:
            programs.close()


def measure(programs: Programs, lanes: int, batches: int, seconds: float) -> None:
    """Offers on all lanes at once, and prints the server's memory."""
    before = resident(programs)
    keys = asyncio.run(opened(programs, lanes))
    ended = threading.Event()
    talking = [
        threading.Thread(target=offering, args=(port, one, batches, ended)) for port, one in keys
    ]
    for thread in talking:
        thread.start()
    peak, deadline = before, time.monotonic() + seconds
    while time.monotonic() < deadline:
        peak = max(peak, resident(programs))
        time.sleep(0.05)
    ended.set()
    for thread in talking:
        thread.join()
    time.sleep(1.0)
    files = lanes * batches * records.BATCH_MAX
    print(
        f"{lanes} lanes x {batches} batches x {records.BATCH_MAX} files ({files:,}): "
        f"the server had {before / 1e6:.0f} MB before, {peak / 1e6:.0f} MB at most, "
        f"{resident(programs) / 1e6:.0f} MB after the lanes had ended"
    )


async def opened(programs: Programs, lanes: int) -> list[tuple[int, LaneKeys]]:
    """The port and the keys of each lane."""
    login = ServerLogin(f"http://127.0.0.1:{programs.port}", USER, lambda: USER)
    api = Api(login, time.monotonic)
    try:
        flows = [
            await api.post("/flows", FlowReply.read, ASKED | {"speed": None}) for _ in range(lanes)
        ]
    finally:
        await api.close()
    return [(flow.lane.port, LaneKeys(flow.lane.token, flow.lane.auth)) for flow in flows]


def offering(port: int, keys: LaneKeys, batches: int, ended: threading.Event) -> None:
    """Offers all batches on one lane, then only keeps it alive."""
    sock, link = open_lane("127.0.0.1", port, keys, 60.0, time.monotonic)
    with sock:
        for number in range(batches):
            message = memoryview(batch(number))
            while len(message):
                flags = records.MORE if len(message) > PIECE else 0
                say(link, records.OFFER, message[:PIECE], number, flags)
                message = message[PIECE:]
        while not ended.wait(2.0):
            say(link, records.PING, memoryview(b""), 0, 0)


def batch(number: int) -> bytes:
    """A message that offers as many files as a batch may have."""
    return messages.encode_offers(
        [
            Offer(f"{number}/{file}", 1, 0, 0o644, file + 1, file + 1, f"{number:08x}{file:08x}")
            for file in range(records.BATCH_MAX)
        ]
    )


def say(link: Link, kind: int, payload: memoryview, number: int, flags: int) -> None:
    """Sends one record, and drops what the server sends meanwhile."""
    used = records.put(link.body, 0, records.Record(kind, flags, 0, number, 0, payload))
    link.close_frame(used)
    while not link.flush():
        while link.receive() is not None:
            pass
        time.sleep(0.001)


def resident(programs: Programs) -> int:
    """The resident memory of the server in bytes; only on Linux."""
    pid = programs.processes["server"].pid
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
