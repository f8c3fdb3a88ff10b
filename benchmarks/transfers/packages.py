"""The packages of the tools: which ones are missing, and how they are installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.transfers.peer import Need, Peer

FOLDER: Final = Path(__file__).parents[2] / ".bench"
"""Where packages of PyPI are put, apart from the project's own environment."""
POLICY: Final = Path("/usr/sbin/policy-rc.d")


def use_folder() -> None:
    """Lets commands be found that were installed here. They come before those of the system."""
    os.environ["PATH"] = f"{FOLDER / 'bin'}:{os.environ['PATH']}"


def missing(peers: Iterable[Peer]) -> list[Need]:
    """What the tools need and do not find."""
    needs = {need for peer in peers for need in peer.needs}
    return sorted(need for need in needs if shutil.which(need.command) is None)


def from_system(needs: Sequence[Need]) -> list[str]:
    """The packages that the system's package manager has."""
    return [need.package for need in needs if "==" not in need.package]


def from_pypi(needs: Sequence[Need]) -> list[str]:
    """The packages of PyPI."""
    return [need.package for need in needs if "==" in need.package]


def install(needs: Sequence[Need]) -> None:
    """Installs what can be installed: from PyPI, and as root with apt-get. Failures are printed."""
    if pypi := from_pypi(needs):
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(FOLDER)]
        _run([sys.executable, "-m", "pip", "install", *options, *pypi])
    system = from_system(needs)
    if system and os.geteuid() == 0 and shutil.which("apt-get"):
        with no_services(POLICY):
            _run(["apt-get", "update", "-qq"])
            _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *system])


@contextmanager
def no_services(policy: Path) -> Iterator[None]:
    """Keeps Debian from starting the servers of new packages, if nothing else decides that."""
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _run(words: Sequence[str]) -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run(words, capture_output=True, text=True, env=env)
    if done.returncode:
        print(f"{' '.join(words)} failed: {done.stderr.strip()[-500:]}", file=sys.stderr)
