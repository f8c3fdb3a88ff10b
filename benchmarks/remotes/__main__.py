"""`python -m benchmarks.remotes`: see the package."""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import benchmarks.remotes as package
from benchmarks.remotes.compared import compared
from benchmarks.remotes.conflict import conflict
from benchmarks.remotes.far import CLOUD, Far, far_in_folder, far_of
from benchmarks.remotes.killed import killed
from benchmarks.remotes.table import HEAD, Row
from benchmarks.remotes.trees import MIB, SMALL, make_tree
from tests.remotes.remotes import Remotes

SERVERS = (
    "rclone-s3", "swift", "moto", "openssh", "apache", "wsgidav", "rclone-webdav", "vsftpd",
    "pydio-like", CLOUD,
)  # fmt: skip
FAKES = {"moto": "a fake, in memory", "pydio-like": "a fake, written for the tests"}
"""Nobody keeps files on them, so their speed says little: it is measured if it is asked for."""
FAKES_BIG = 256
SPEED = "speed"
CASES = (SPEED, "kill", "conflict")


def main() -> None:
    """Run the measurement with the options of the command line."""
    parsing = argparse.ArgumentParser(
        description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parsing.add_argument("--servers", default=",".join(SERVERS))
    parsing.add_argument("--cases", default=",".join(CASES))
    parsing.add_argument("--big", type=int, default=2048, help="MiB of the big file")
    parsing.add_argument("--files", type=int, default=20_000, help="files of 4 KiB")
    parsing.add_argument("--rounds", type=int, default=1)
    parsing.add_argument("--fakes", action="store_true", help="measure the speed of fakes, too")
    given = parsing.parse_args()
    rows: list[Row] = []
    told: list[str] = []
    for name in given.servers.split(","):
        with tempfile.TemporaryDirectory(prefix="cargo-bench-") as folder:
            Path(folder).chmod(0o711)  # some servers serve as a user of their own
            began = time.monotonic()
            _measure(Path(folder), name, given, rows, told)
            print(f"{name} took {time.monotonic() - began:.0f} s\n", flush=True)
    print("\n".join(("", HEAD, *map(str, rows), "", *told)))


def _measure(
    folder: Path, name: str, given: argparse.Namespace, rows: list[Row], told: list[str]
) -> None:
    remotes = Remotes(folder)
    try:
        label, new_place = _places(folder, remotes, name)
        cases, why = cases_of(name, given.cases.split(","), fakes=given.fakes)
        if why:
            told.append(why)
            print(why, flush=True)
        most = FAKES_BIG if name in FAKES else given.big
        for files, size in ((1, min(given.big, most) * MIB), (given.files, SMALL)):
            if not cases & {SPEED, "kill"}:
                break
            tree = make_tree(folder / f"tree-{size}", files, size)
            if SPEED in cases:
                for row in compared(folder, label, new_place, tree, given.rounds):
                    rows.append(row)
                    print(row, flush=True)
            if "kill" in cases:
                rows.append(killed(folder, label, new_place, tree))
                print(rows[-1], flush=True)
        if "conflict" in cases:
            told.append(conflict(folder, label, new_place()))
            print(told[-1], flush=True)
    except pytest.skip.Exception as missing:
        print(missing, flush=True)
    finally:
        remotes.close()


def cases_of(name: str, wanted: Iterable[str], *, fakes: bool) -> tuple[set[str], str]:
    """The cases that are measured of a server, and a sentence about one that is not, or ""."""
    cases = set(wanted)
    if fakes or name not in FAKES or SPEED not in cases:
        return cases, ""
    return cases - {SPEED}, f"{name} ({FAKES[name]}): its speed is not measured; --fakes does"


def _places(folder: Path, remotes: Remotes, name: str) -> tuple[str, Callable[[], Far]]:
    """How the server is called in the table, and what makes places on it."""
    if name == CLOUD:
        numbers = iter(range(1_000))
        return CLOUD, lambda: far_in_folder(folder / "cloud" / str(next(numbers)))
    server = remotes.get(name)
    fake = f" ({FAKES[name]})" if name in FAKES else ""
    return f"{name} {server.version}{fake}", lambda: far_of(server)


if __name__ == "__main__":
    main()
