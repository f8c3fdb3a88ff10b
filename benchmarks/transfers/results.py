"""The results of a run as JSON: the machine, the versions, the date and the rows."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.transfers.verdicts import Row


@dataclass(frozen=True, slots=True)
class Results:
    """All that one run of the benchmark found.

    date      when it ended, in ISO 8601, UTC
    machine   what it ran on, in words for people
    versions  of the tools
    """

    date: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    rows: Sequence[Row]

    def save(self, path: Path) -> None:
        """Writes them to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(path: Path) -> Results:
    """The results in a file that `save` wrote."""
    found = json.loads(path.read_text())
    return Results(
        found["date"], found["machine"], found["versions"], [Row(**row) for row in found["rows"]]
    )


def merged(found: Sequence[Results]) -> Results:
    """Several results as one; the machine and the date are those of the first."""
    versions = {name: version for one in found for name, version in one.versions.items()}
    rows = [row for one in found for row in one.rows]
    return Results(found[0].date, found[0].machine, versions, rows)


def now() -> str:
    """The time now, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine(folder: Path) -> dict[str, str]:
    """What runs the benchmark, and the file system below `folder`."""
    cpu = [
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    kind = ["stat", "--file-system", "--format=%T", str(folder)]
    return {
        "processor": cpu[0] if cpu else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 1e9:.0f} GB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "file system": subprocess.run(kind, capture_output=True, text=True).stdout.strip(),
    }
