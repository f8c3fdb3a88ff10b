"""One run across a link: how much has arrived after so many seconds."""

import shlex
from pathlib import Path
from typing import Final

from benchmarks.transfers import trees
from benchmarks.transfers.link.carriers import Carrier
from benchmarks.transfers.link.links import Link
from benchmarks.transfers.link.tools import TOOLS
from benchmarks.transfers.metering import FailedCommandError
from benchmarks.transfers.peer import FILES, NEAR, Move
from benchmarks.transfers.rounds import SOURCE
from benchmarks.transfers.workloads import MIB, Direction, Workload

ARRIVED: Final = "arrived"
LATE: Final = 10.0
"""Seconds beyond the measured ones after which a client is killed."""


def arrived(
    across: Carrier, link: Link, tool: str, direction: Direction, seconds: float, home: Path
) -> int:
    """Bytes that a tool brings to the other end in `seconds` from its start.

    Content counts that is on the other end's disk, also of a file that is not complete yet. The
    file is larger than what the link can carry.

    Raises:
        FailedCommandError: the client did not even run.
    """
    size = round(link.mbit * 1e6 / 8 * seconds / MIB + 1) * MIB
    workload = Workload(link.name, link.words, 1, size)
    up = direction is Direction.UP
    near, far = (SOURCE, "target") if up else ("target", SOURCE)
    move = Move(workload, direction, home / NEAR / near, home / FILES / far, workload.path(0))
    trees.make(workload, move.source)
    move.target.mkdir(parents=True)
    ends = TOOLS[tool].ends(home, move)
    said = across.run(
        link, ends.server, _timed(ends.client, move.target.parent, seconds, home), seconds + LATE,
        ends.control,
    )  # fmt: skip
    found = home / ARRIVED
    if not found.exists():
        raise FailedCommandError(f"{tool} did not run over {link.name}: {said}")
    return min(size, int(found.read_text().split()[0]))


def _timed(client: str, target: Path, seconds: float, home: Path) -> str:
    """Runs a client, and writes down after so many seconds what is on the disk below `target`."""
    counted = f"du --summarize --block-size=1 {shlex.quote(str(target))}"
    return f"({client}) & sleep {seconds:g}; {counted} > {shlex.quote(str(home / ARRIVED))}"
