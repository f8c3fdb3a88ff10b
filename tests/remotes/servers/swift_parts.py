"""All parts of a small Swift in one program, each a process of its own.

It runs in the environment of the servers, as `swift_parts.py FOLDER OBJECTS CONTAINERS ACCOUNTS`:
the folder with the settings, and the ports of three of the parts. Swift is imported once, which
takes longer than anything else when four programs start. It ends as soon as one part does.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

# Names are not looked up here, and to import what would do it takes long.
os.environ["EVENTLET_NO_GREENDNS"] = "yes"

import swift.account.server
import swift.container.server
import swift.obj.server
import swift.proxy.server
from swift.common.ring import RingBuilder
from swift.common.wsgi import run_wsgi


def make_ring(folder: Path, part: str, port: int) -> None:
    """Says where a part is: here, once, on one device."""
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    builder.add_dev({
        "id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "port": port,
        "replication_ip": "127.0.0.1", "replication_port": port, "device": "disk", "meta": "",
    })  # fmt: skip
    builder.rebalance(seed=1)
    builder.get_ring().save(str(folder / f"{part}.ring.gz"))


def run_part(folder: Path, part: str) -> int:
    """Starts one part; its process id."""
    pid = os.fork()
    if pid:
        return pid
    options = {"verbose": True}
    if part == "object":
        options["global_conf_callback"] = swift.obj.server.global_conf_callback
    os._exit(run_wsgi(str(folder / f"{part}.conf"), f"{part}-server", **options))


def main() -> None:
    folder = Path(sys.argv[1])
    for part, port in zip(("object", "container", "account"), sys.argv[2:], strict=True):
        make_ring(folder, part, int(port))
    pids = [run_part(folder, part) for part in ("object", "container", "account", "proxy")]

    def end(number: int, frame: FrameType | None) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        sys.exit(1)

    signal.signal(signal.SIGTERM, end)
    os.wait()
    end(0, None)


if __name__ == "__main__":
    main()
