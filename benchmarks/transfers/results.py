"""The results of a run as JSON: the machine, the versions, the date and the rows.

In the file, each row has the fields that comparisons need (FIELDS), and `details` has the others of
all rows, in the same order.
"""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.transfers.verdicts import Row

FIELDS: Final = (
    "workload", "mode", "direction", "tool", "runs", "seconds", "cpu_seconds", "mb_per_s",
    "files_per_s", "rss_mb", "ours_is",
)  # fmt: skip


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
        rows = [asdict(row) for row in self.rows]
        found = {
            "date": self.date,
            "machine": self.machine,
            "versions": self.versions,
            "rows": [{name: row[name] for name in FIELDS} for row in rows],
            "details": [
                {name: value for name, value in row.items() if name not in FIELDS} for row in rows
            ],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n")


def load(path: Path) -> Results:
    """The results in a file that `save` wrote."""
    found = json.loads(path.read_text())
    both = zip(found["rows"], found["details"], strict=True)
    rows = [Row(**row, **details) for row, details in both]
    return Results(found["date"], found["machine"], found["versions"], rows)


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
