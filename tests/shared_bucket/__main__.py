"""`python -m tests.shared_bucket`: see the package."""

import argparse
import contextlib
import sys
import tempfile
import time
from pathlib import Path

import pytest

import tests.shared_bucket as package
from tests.shared_bucket.campaign import Plan, lines, tell
from tests.shared_bucket.place import shared_bucket


def main() -> int:
    """Returns 1 if something is not as it should be."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.shared_bucket",
        description=package.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="in which people change files")
    parser.add_argument("--seed", default="1", help="decides what they do")
    parser.add_argument("--server", default="rclone-s3", help="rclone-s3, swift, moto or ceph")
    parser.add_argument("--versions", action="store_true", help="the bucket keeps all versions")
    parser.add_argument(
        "--pause", type=float, default=2.0, help="seconds between two of their steps"
    )
    parser.add_argument("--turn", type=float, default=10.0, help="seconds of a job's turn")
    parser.add_argument("--folder", help="an empty folder, which stays; else a temporary one")
    given = parser.parse_args()
    plan = Plan(given.seed, seconds=given.minutes * 60, pause=given.pause, turn=given.turn)
    with contextlib.ExitStack() as last:
        temporary = tempfile.TemporaryDirectory
        folder = given.folder or last.enter_context(temporary(prefix="cargo-bucket-"))
        try:
            place = last.enter_context(
                shared_bucket(Path(folder), given.server, versions=given.versions)
            )
        except pytest.skip.Exception as missing:
            print(missing)
            return 1
        print(f"{given.server}, versions: {given.versions}, {plan}", flush=True)
        began = time.monotonic()
        story, found, verdict = tell(place, plan, versions=given.versions)
        print("\n".join(lines(story, found, verdict)))
        print(f"{time.monotonic() - began:.0f} s", flush=True)
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
