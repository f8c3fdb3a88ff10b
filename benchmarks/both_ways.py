"""What a pass over unchanged files costs in both directions: a two-way job beside an upload.

A real server and a real daemon on loopback; each job has a tree of its own. The passes alternate,
and the daemon's CPU seconds of each are compared. Exit code 1 if the median of the ratios is above
what is promised.

    .venv/bin/python -m benchmarks.both_ways --files 200000 --rounds 7
"""

import argparse
import os
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.programs import Programs, running, until

FOLDER: Final = 100
"""Files in each folder."""
PROMISED: Final = 1.1
MODES: Final = {"up": "upload", "both": "bidirectional"}
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Run the measurement with the options of the command line."""
    parsing = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parsing.add_argument("--files", type=int, default=200_000, help="of each job")
    parsing.add_argument("--rounds", type=int, default=7)
    given = parsing.parse_args()
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="cargo-both-", dir=memory) as folder:
        place = Path(folder)
        for name in MODES:
            plant(place / name, given.files)
        settings = {
            name: {
                "sync_mode": mode, "local_dir": str(place / name), "remote_dir": f"/{name}",
                "sleep": 36_000, "settle": 0, "watch": False,
            }
            for name, mode in MODES.items()
        }  # fmt: skip
        with running(Programs(place, settings)) as programs:
            return compare(programs, given.files, given.rounds)


def plant(folder: Path, files: int) -> None:
    """Make a tree of small files."""
    for number in range(files):
        path = folder / f"{number // FOLDER:05d}" / f"{number % FOLDER:02d}.txt"
        if number % FOLDER == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(number.to_bytes(8, "big"))


def compare(programs: Programs, files: int, rounds: int) -> int:
    """Print the CPU seconds of each round; 1 if the ratio is above what is promised."""
    delivered = programs.files
    for name in MODES:
        until(partial(is_at_rest, programs, name), f"{name} is synced")
        assert sum(1 for _ in (delivered / name).rglob("*.txt")) == files, "all are delivered"
        one_pass(programs, name)  # what is left to settle after a first sync
    ratios = []
    for number in range(rounds):
        order = tuple(MODES) if number % 2 else tuple(reversed(MODES))
        cost = {name: one_pass(programs, name) for name in order}
        ratios.append(cost["both"] / cost["up"])
        print(f"up {cost['up']:.2f} s, both {cost['both']:.2f} s, ratio {ratios[-1]:.2f}")
    ratio = statistics.median(ratios)
    print(f"{files:,} files: median ratio {ratio:.2f}; promised: at most {PROMISED}")
    return int(ratio > PROMISED)


def is_at_rest(programs: Programs, name: str) -> bool:
    """Whether a job has nothing left to do."""
    return rest(programs, name) is not None


def rest(programs: Programs, name: str) -> float | None:
    """When the next look of a job is due that is at rest; None while it looks."""
    with programs.client() as client:
        job = client.call("job.show", {"job": name})
    return job["next_at"] if job["state"] == "synced" else None


def one_pass(programs: Programs, name: str) -> float:
    """The CPU seconds of the daemon during one pass over a whole job."""
    last, before = rest(programs, name), cpu(programs)
    with programs.client() as client:
        client.call("job.sync", {"job": name})
    until(lambda: rest(programs, name) not in (None, last), f"a pass of {name} ends")
    return cpu(programs) - before


def cpu(programs: Programs) -> float:
    """CPU seconds that the daemon has used."""
    fields = Path(f"/proc/{programs.processes['daemon'].pid}/stat").read_text().rpartition(")")[2]
    return sum(map(int, fields.split()[11:13])) / _TICKS


if __name__ == "__main__":
    sys.exit(main())
