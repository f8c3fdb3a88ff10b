"""What this process has open."""

import os
from pathlib import Path


def open_below(folder: Path) -> list[str]:
    """The files and folders at or below `folder` that are open; none where it cannot be asked."""
    there = Path("/proc/self/fd")
    if not there.is_dir():
        return []
    found = []
    for fd in os.listdir(there):
        try:
            place = os.readlink(there / fd)
        except FileNotFoundError:
            continue  # the descriptor of the listing itself
        if place == str(folder) or place.startswith(f"{folder}/"):
            found.append(place)
    return found
