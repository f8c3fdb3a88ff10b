"""Ten bits flip on the disk of a node: found by reading and by the scrub, and made good."""

import random
import time
from pathlib import Path
from typing import Final

from tests.storm.campaign import Crew
from tests.storm.coast import COPIES, Coast
from tests.storm.tally import Tally

FLIPPED: Final = 10
READS: Final = 3
HEARD: Final = 3.0
"""Seconds after which the server knows what a node has found."""
REPAIRED: Final = 60.0
"""Seconds in which all must be found, and made good."""


def rot(place: Coast, tally: Tally, crew: Crew, seed: str) -> list[str]:
    """Flips one byte in each of ten contents of a node, and waits until all are made good.

    Returns:
        What was seen, in lines; what should not be is in the tally.
    """
    chance = random.Random(f"{seed}/rot")
    name = max(place.names, key=lambda one: len(place.kept(one)))
    some = chance.sample(sorted(place.kept(name)), FLIPPED)
    for path in some:
        _flip(path, chance)
    hashes = {path.name for path in some}
    began = time.monotonic()
    told = [f"rot: one byte flipped in {FLIPPED} contents of the node {name}"]
    reader = crew.http[0]
    kept = {**crew.jobs.kept, **crew.http[0].kept, **crew.http[1].kept}
    for _ in range(READS):
        reader.check({path: one for path, one in kept.items() if one.hash in hashes})
    time.sleep(HEARD)
    told.append(
        f"{_found(place, name)} of them were found by reading: all readers got what was sent"
    )
    place.server_call("node.scrub", node=name, speed="800mbps")
    place.until(lambda: _found(place, name) >= FLIPPED, "the scrub finds all", REPAIRED)
    told.append(
        f"{_found(place, name)} of them were found, by the scrub too, after "
        f"{time.monotonic() - began:.1f} s"
    )
    told += place.measured(name, "damaged")
    place.until(lambda: place.is_well() and _copies(place, hashes), "all are made good", REPAIRED)
    told.append(f"all have {COPIES} good copies after {time.monotonic() - began:.1f} s")
    none = ["cargo_node_damaged_blobs 0"]
    place.until(lambda: place.measured(name, "damaged") == none, "nothing is damaged", REPAIRED)
    shown = place.run("cargo_ctl", "node", "show", name, "--connect", str(place.server_folder))
    told += [*place.measured(name, "damaged"), "", shown.stdout, "the node's log:"]
    log = (place.folder / f"{name}.log").read_text().splitlines()
    told += [line for line in log if "damaged" in line][-12:]
    for line in place.errors():
        tally.must_not(line)
    return told


def _flip(path: Path, chance: random.Random) -> None:
    with path.open("r+b") as file:
        at = chance.randrange(path.stat().st_size)
        file.seek(at)
        [byte] = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1 << chance.randrange(8)]))


def _found(place: Coast, name: str) -> int:
    """How many a node has found to be damaged since it started."""
    rows = {row["node"]: row for row in place.listed()["nodes"]}
    damaged: int = rows[name]["damaged"] if name in rows else 0
    return damaged


def _copies(place: Coast, hashes: set[str]) -> bool:
    found = place.copies()
    return all(found.get(hash, 0) >= COPIES for hash in hashes)
