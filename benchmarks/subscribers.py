"""How fast a daemon answers beside clients that subscribe and unsubscribe in a loop.

A daemon has many jobs, so that each replay has many topics. `status` is asked for all the time:
first alone, then beside the clients, which read what they get. At the end the daemon must stop at
SIGTERM although the clients go on.

    python -m benchmarks.subscribers --clients 50 --seconds 20
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zmq

from benchmarks.programs import Programs, resident, running
from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client

APART = 0.005
"""Seconds between two commands."""


def main() -> None:
    """Run the measurement with the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each block")
    parser.add_argument("--flood", metavar="RUNTIME", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.flood:
        flood(chosen.flood, chosen.clients)
        return
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        measure(Path(folder), chosen.clients, chosen.jobs, chosen.seconds)


def flood(runtime: str, clients: int) -> None:
    """Subscribe and unsubscribe with all clients in turn, and read, until the process is killed."""
    context = zmq.Context()
    sockets = [context.socket(zmq.SUB) for _ in range(clients)]
    for socket in sockets:
        socket.setsockopt(zmq.SNDHWM, 0)  # none of the subscriptions is dropped on this side
        socket.connect(instance_addresses(runtime, "daemon").feed)
    print("ready", flush=True)
    while True:
        for socket in sockets:
            socket.subscribe("")
            socket.unsubscribe("")
            while socket.poll(0):
                socket.recv_multipart()


def measure(folder: Path, clients: int, jobs: int, seconds: float) -> None:
    """Print the latencies of both blocks, and how the daemon ended."""
    wanted = {
        f"job{number}": {
            "sync_mode": "upload",
            "local_dir": str(folder / "local" / str(number)),
            "remote_dir": f"job{number}",
        }
        for number in range(jobs)
    }
    with running(Programs(folder, wanted, log_level="error")) as programs:
        daemon = programs.processes["daemon"].pid
        with programs.client() as client:
            while set(programs.states()) != {"synced"}:
                time.sleep(0.5)
            show("alone", latencies(client, seconds))
            before = resident(daemon)
            command = [sys.executable, "-m", "benchmarks.subscribers", "--clients", str(clients)]
            child = subprocess.Popen(
                [*command, "--flood", programs.runtime], stdout=subprocess.PIPE
            )
            try:
                assert child.stdout is not None
                child.stdout.readline()
                show(f"beside {clients} clients", latencies(client, seconds))
                print(f"the daemon grew by {(resident(daemon) - before) / 1e6:.1f} MB")
                began = time.monotonic()
                programs.stop("daemon")
                print(f"it ended {time.monotonic() - began:.1f} s after SIGTERM")
            finally:
                child.kill()
                child.wait()


def latencies(client: Client, seconds: float) -> list[float]:
    """The seconds that each `status` took, in ascending order."""
    taken = []
    end = time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        client.call("status", timeout=60)
        taken.append(time.monotonic() - began)
        time.sleep(APART)
    return sorted(taken)


def show(block: str, taken: list[float]) -> None:
    """Print a block's figures."""
    p50, p99 = (1000 * taken[int(len(taken) * part)] for part in (0.5, 0.99))
    print(
        f"status {block}: p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {1000 * taken[-1]:.1f} ms, "
        f"{len(taken)} calls",
        flush=True,
    )


if __name__ == "__main__":
    main()
