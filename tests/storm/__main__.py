"""`python -m tests.storm`: see `make storm`."""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from tests.storm.campaign import Plan, coast, tell
from tests.storm.rot import rot


def main() -> int:
    """Returns 1 if something is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long it takes")
    parser.add_argument("--transfers", type=int, default=1_000, help="uploads and downloads")
    parser.add_argument("--nodes", type=int, default=4, help="storage nodes, 3 to 6")
    parser.add_argument("--seed", default="1", help="decides what happens")
    parser.add_argument("--folder", help="an empty folder, which stays; else a temporary one")
    given = parser.parse_args()
    with contextlib.ExitStack() as last:
        temporary = tempfile.TemporaryDirectory
        folder = given.folder or last.enter_context(temporary(prefix="cargo-storm-"))
        plan = Plan(given.seed, given.transfers, given.seconds, given.nodes)
        with coast(Path(folder), plan.nodes) as place:
            print(f"storm: {plan}", flush=True)
            tally, crew = tell(place, plan)
            print(tally, flush=True)
            told = rot(place, tally, crew, plan.seed)
            print("\n".join(told))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
