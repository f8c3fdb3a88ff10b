"""Where the programs of servers are: in an environment of their own, or in the system.

`make test` makes the environment. It is not ours, because its packages need others than we do.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.remotes.server import MissingError

HOME: Final = Path(__file__).parents[2] / ".venv-remotes"
DEBIAN: Final = HOME / "debian"
"""What `debian.py` has unpacked."""
_SYSTEM: Final = ("/usr/sbin", "/usr/local/sbin")
"""Folders of servers that are not in every user's path."""
_LIBRARIES: Final = ("usr/lib/*-linux-gnu", "lib/*-linux-gnu", "usr/lib/*-linux-gnu/ceph")


@dataclass(frozen=True, slots=True)
class Found:
    """A program: its path, the folder that has its `usr`, and what its environment needs."""

    path: str
    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def says(self, *arguments: str) -> str:
        """What it writes, wherever it does."""
        done = subprocess.run(
            [self.path, *arguments],
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout.strip()


def of_python(name: str) -> str:
    """The path of a command in the environment.

    Raises:
        MissingError: it is not there.
    """
    path = HOME / "bin" / name
    if not path.exists():
        raise MissingError(f"there is no {name} in {HOME.name}")
    return str(path)


def package_version(name: str) -> str:
    """The version of a package in the environment.

    Raises:
        MissingError: it is not there.
    """
    for metadata in HOME.glob(f"lib/python*/site-packages/{name}-*.dist-info"):
        return metadata.name.removesuffix(".dist-info").removeprefix(f"{name}-")
    raise MissingError(f"there is no {name} in {HOME.name}")


def unpacked_libraries() -> Mapping[str, str]:
    """What the environment of an unpacked program needs."""
    libraries = [path for pattern in _LIBRARIES for path in sorted(DEBIAN.glob(pattern))]
    return {"LD_LIBRARY_PATH": ":".join(map(str, libraries))}


def of_system(name: str) -> Found:
    """A server of Debian that was unpacked, or that the system has.

    Raises:
        MissingError: there is none.
    """
    for own in (DEBIAN / "usr/sbin" / name, DEBIAN / "usr/bin" / name):
        if own.exists():
            return Found(str(own), DEBIAN, unpacked_libraries())
    path = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *_SYSTEM)))
    if path is None:
        raise MissingError(f"there is no {name}")
    return Found(path, Path("/"))
