"""`python -m tests.crash`: see `make crash`."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.crash.campaign import cases, tell


def main() -> int:
    """Returns 1 if a case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--every", type=int, default=10, help="one call in so many; 1: all")
    parser.add_argument("--jobs", type=int, default=2, help="cases at a time")
    parser.add_argument("--only", default="", help="only faults whose name has this text")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cargo-crash-") as folder:
        place = Path(folder)
        chosen = (case for case in cases(given.every, place) if given.only in case.fault)
        table = tell(chosen, place, given.jobs)
    print("\n".join(table.failures))
    print(table)
    return 1 if table.failures else 0


if __name__ == "__main__":
    sys.exit(main())
