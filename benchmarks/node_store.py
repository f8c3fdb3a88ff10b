"""What storage nodes cost: a workspace on nodes, with one copy and with two, against a folder.

One real server has the three workspaces, three real nodes keep contents for it, and jobs of a real
daemon move the same files to each and back, over TLS: one large file, and many small ones. The
three take turns; each number is the median of the rounds. Paced moves take 1 Gbit/s at most; others
show how much CPU time the server needs. All of it runs in memory, on one machine: where small files
are slower than the pace, their speed is that of all CPU time together, of client, server and nodes.

    .venv/bin/python -m benchmarks.node_store
    .venv/bin/python -m benchmarks.node_store --mib 64 --files 1000 --rounds 1
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from benchmarks.programs import MAIN, PATIENCE, USER, Programs, free_ports, running, until
from benchmarks.transfers.procfs import cpu_seconds, forget_peaks, peaks
from cargo_sync.api import topics
from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, subscribe

FOLDER, ONE, TWO = STORES = ("folder", "1 copy", "2 copies")
COPIES: Final[Mapping[str, int]] = {ONE: 1, TWO: 2}
NODES: Final = 3
CARGO_CTL: Final = str(Path(sys.executable).with_name("cargo_ctl"))
PACE: Final = "1gbps"
SMALL: Final = 4_096
MIB: Final = 1 << 20
LEAST: Final[Mapping[str, float]] = {ONE: 0.9, TWO: 0.8}
"""Of the folder's speed, when paced."""
MOST_CPU: Final = 1.6
"""Of the folder's CPU time, for the large file."""


class Case(NamedTuple):
    """One kind of move."""

    what: str
    mode: str
    pace: str

    def __str__(self) -> str:
        return f"{self.what}, {self.mode}, {self.pace or 'not paced'}"


class Took(NamedTuple):
    """What one move took: seconds, CPU seconds, the peak memory of the server in MiB.

    cpu    of the server
    whole  of client, server and nodes
    """

    seconds: float
    cpu: float
    whole: float
    peak: float


class Bench:
    """The programs in one folder."""

    def __init__(self, place: Path) -> None:
        workspaces: list[dict[str, Any]] = [
            {"name": name, "store": {"nodes": {"copies": copies}}, "grants": {USER: "rw"}}
            for name, copies in COPIES.items()
        ]
        workspaces.append({"name": FOLDER, "path": str(place / "kept"), "grants": {USER: "rw"}})
        server = {"settle": 0, "scan_interval": 3600, "workspaces": workspaces}
        self.place = place
        self.programs = Programs(place, {}, server=server, sealed=True)
        self._nodes: list[int] = []
        """Their process ids."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """All programs run, and all nodes are up."""
        with ExitStack() as last, running(self.programs):
            for number in range(NODES):
                last.enter_context(self._node(f"node{number}"))
            until(self._are_up, "the nodes are up")
            yield

    def move(self, case: Case, workspace: str, local: Path, remote: str) -> Took:
        """Moves a folder; what it took."""
        pid = self.programs.processes["server"].pid
        every = [*(one.pid for one in self.programs.processes.values()), *self._nodes]
        job = {
            **self.programs.login(),
            "sync_name": "move",
            "sync_mode": case.mode,
            "workspace": workspace,
            "local_dir": str(local),
            "remote_dir": f"/{remote}",
            "settle": 0,
            "sleep": 3600,
            "watch": False,
        }
        if case.pace:
            job["speed"] = case.pace
        with self.programs.client() as client:
            client.call("job.add", {"text": json.dumps(job), "paused": True}, timeout=60)
            forget_peaks([pid])
            before, all_before = cpu_seconds([pid]), cpu_seconds(every)
            addresses = instance_addresses(self.programs.runtime, "daemon")
            with subscribe(addresses, [topics.job_status("move")]) as feed:
                began = time.perf_counter()
                client.call("job.start", {"job": "move"}, timeout=60)
                while message := feed.receive(PATIENCE):
                    if (state := message.fields["state"]) == "synced":
                        break
                    if state in ("error", "held"):
                        raise SystemExit(f"{case}, {workspace}: {message.fields['detail']}")
                else:
                    raise SystemExit(f"{case}, {workspace}: not done after {PATIENCE:g} s")
                seconds = time.perf_counter() - began
            time.sleep(1)  # what is done after the receipts belongs to it
            cpu, whole = cpu_seconds([pid]) - before, cpu_seconds(every) - all_before
            client.call("job.remove", {"job": "move"}, timeout=60)
        return Took(seconds, cpu, whole, peaks([pid])[pid] / MIB)

    # -- nodes -------------------------------------------------------------------------------------

    @contextmanager
    def _node(self, name: str) -> Iterator[None]:
        port, lane_port = free_ports()
        env = os.environ | self.programs.env | {"XDG_STATE_HOME": str(self.place / f"{name}-state")}
        server = str(Path(self.programs.runtime) / "server")
        invited = _ran([CARGO_CTL, "node", "invite", name, "--connect", server], env)
        settings = self.place / f"{name}.json"
        options = {
            "--invite-file": "-",
            "--folder": str(self.place / name),
            "--address": "127.0.0.1",
            "--port": str(port),
            "--lane-port": str(lane_port),
        }
        given = [word for option in options.items() for word in option]
        _ran(
            [sys.executable, "-m", MAIN, "init", "node", str(settings), "--yes", *given],
            env,
            invited,
        )
        with open(self.place / f"{name}.log", "ab") as log:
            run = [sys.executable, "-m", MAIN, "node", "--config", str(settings)]
            node = subprocess.Popen(run, env=env, stdout=log, stderr=log)
        self._nodes.append(node.pid)
        try:
            yield
        finally:
            node.terminate()
            node.wait(20)

    def _are_up(self) -> bool:
        with Client(instance_addresses(self.programs.runtime, "server").commands) as client:
            return [one["state"] for one in client.call("node.list")["nodes"]] == ["up"] * NODES


def _ran(command: Sequence[str], env: Mapping[str, str], given: str = "") -> str:
    """Runs a program of ours to its end; what it printed."""
    done = subprocess.run(
        command, env=env, input=given, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:5])}: {done.stderr}")
    return done.stdout.strip()


def make(folder: Path, files: int, size: int) -> None:
    """Files of which no two MiB are the same."""
    folder.mkdir()
    block = bytearray(os.urandom(min(size, MIB)))
    for number in range(files):
        above = folder / f"{number // 100:04d}" if files > 1 else folder
        above.mkdir(exist_ok=True)
        with open(above / f"{number:06d}", "wb", buffering=0) as file:
            for start in range(0, size, MIB):
                block[:16] = number.to_bytes(8, "big") + start.to_bytes(8, "big")
                file.write(memoryview(block)[: size - start])


def measured(
    given: argparse.Namespace, bench: Bench, turn: int
) -> Iterator[tuple[Case, str, Took]]:
    """One round: all cases, in each of the stores."""
    for what, files, size in (
        (f"{given.mib:,} MiB", 1, given.mib * MIB),
        (f"{given.files:,} files of 4 KiB", given.files, SMALL),
    ):
        for pace in (PACE, ""):
            remote = f"{files}-{pace or 'free'}"
            order = STORES[turn % 3 :] + STORES[: turn % 3]
            for name in order:
                local = bench.place / "source"
                make(local, files, size)
                case = Case(what, "upload", pace)
                yield case, name, bench.move(case, name, local, remote)
                shutil.rmtree(local)
            for name in order:
                local = bench.place / "target"
                local.mkdir()
                case = Case(what, "download", pace)
                yield case, name, bench.move(case, name, local, remote)
                came = sum(path.stat().st_size for path in local.rglob("[0-9]*") if path.is_file())
                assert came == files * size, f"{came} bytes came, not {files * size}"
                shutil.rmtree(local)


def report(took: Mapping[Case, Mapping[str, Sequence[Took]]]) -> bool:
    """Prints the medians; whether all that is wanted holds."""
    is_kept = True
    for case, stores in took.items():
        print(f"{case}\n  {'':10}{'s':>8}{'CPU s':>8}{'MiB':>8}   speed    CPU  all CPU")
        whole = {name: Took(*map(median, zip(*runs, strict=True))) for name, runs in stores.items()}
        for name, one in whole.items():
            speed, cpu = whole[FOLDER].seconds / one.seconds, one.cpu / whole[FOLDER].cpu
            row = f"  {name:10}{one.seconds:8.2f}{one.cpu:8.2f}{one.peak:8.0f}"
            row += f"   x {speed:4.2f} x {cpu:4.2f} x {one.whole / whole[FOLDER].whole:4.2f}"
            too_slow = case.pace and speed < LEAST.get(name, 0)
            too_much = not case.pace and "MiB" in case.what and name == ONE and cpu > MOST_CPU
            if too_slow or too_much:
                is_kept = False
                row += "   too slow" if too_slow else "   too much"
            print(row)
    return is_kept


def main() -> int:
    """Runs with the options of the command line; 1 if it is slower than wanted."""
    parsing = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parsing.add_argument("--mib", type=int, default=1024, help="size of the large file")
    parsing.add_argument("--files", type=int, default=20_000)
    parsing.add_argument("--rounds", type=int, default=3)
    given = parsing.parse_args()
    took: dict[Case, dict[str, list[Took]]] = defaultdict(partial(defaultdict, list))
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    for turn in range(given.rounds):
        with tempfile.TemporaryDirectory(prefix="cargo-nodes-", dir=memory) as place:
            bench = Bench(Path(place))
            with bench.running():
                for case, name, one in measured(given, bench, turn):
                    took[case][name].append(one)
                    print(f"{turn + 1}: {case}, {name}: {one.seconds:.2f} s", file=sys.stderr)
    return int(not report(took))


if __name__ == "__main__":
    sys.exit(main())
