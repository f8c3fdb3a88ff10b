"""`python -m tests.many_servers`: see `make cluster`."""

import argparse
import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from tests.many_servers.campaign import Plan, table, tell
from tests.many_servers.fleet import Fleet
from tests.many_servers.standby import FleetWithStandby
from tests.many_servers.troubles import Climate

EVERY = 20.0
"""Seconds between two kills."""


def main() -> int:
    """Returns 1 if something is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.many_servers", description=__doc__)
    parser.add_argument("--servers", type=int, default=3, help="1 to 5")
    parser.add_argument(
        "--store", default="swift", help="swift, rclone-s3, ceph, or none for a folder"
    )
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--paths", type=int, default=1_000)
    parser.add_argument("--writes", type=int, default=6_000, help="that are acknowledged")
    parser.add_argument("--seconds", type=float, default=300.0, help="over which they are spread")
    parser.add_argument("--outage", type=float, default=30.0, help="of the store, in seconds")
    parser.add_argument(
        "--standby", action=argparse.BooleanOptionalAction, default=True,
        help="PostgreSQL is lost once, and another one takes over",
    )  # fmt: skip
    parser.add_argument("--seed", default="1", help="decides what is written")
    parser.add_argument("--folder", help="an empty folder, which stays; else a temporary one")
    given = parser.parse_args()
    kills, lost = int(given.seconds / EVERY), int(given.standby)
    climate = Climate(kills, restarts=2, away=3.0, outage=given.outage, lost=lost)
    plan = Plan(given.clients, given.paths, given.writes, given.seconds, climate, given.seed)
    with contextlib.ExitStack() as last:
        temporary = tempfile.TemporaryDirectory
        folder = given.folder or last.enter_context(temporary(prefix="cargo-servers-"))
        kind = FleetWithStandby if given.standby else Fleet
        fleet = last.enter_context(
            kind(Path(folder), given.servers, given.store.replace("none", ""))
        )
        print(f"{given.servers} servers, {plan}", flush=True)
        fleet.start()
        result = asyncio.run(tell(fleet, plan))
        print(table(result))
        if result.wrong:
            print(fleet.logs())
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
