"""Debian's packages of servers, unpacked into a folder and not installed.

Installed they would start, and start again with the machine. Unpacked they change nothing in the
system, and nobody has to be root.

`python -m tests.remotes.debian` unpacks them where that is possible, and says so where not; with
`all` those for `make remotes`, too.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.remotes.installed import DEBIAN

PACKAGES: Final = (("openssh-server", "vsftpd", "apache2-bin", "haproxy"), ("postgresql",))
MORE: Final = (
    ("proftpd-core",), ("pure-ftpd",), ("ceph-mon", "ceph-osd", "radosgw"),
)  # fmt: skip
"""In groups: Debian allows one FTP server alone."""


def unpack(into: Path, groups: Sequence[Sequence[str]]) -> Sequence[str]:
    """Unpacks them, and what of their libraries the system lacks; returns those it could not."""
    fresh = into.with_name(f"{into.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="cargo-debian-") as folder:
        for packages in groups:
            # The system's lists may be empty or old. Own ones need no permission, and no lock.
            own = ("-o", f"Dir::State::Lists={folder}/lists")
            if not (
                _fetch(Path(folder), packages)
                or (_apt(Path(folder), *own, "update") and _fetch(Path(folder), packages, *own))
            ):
                failed += packages
        for package in sorted(Path(folder, "archives").glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, fresh], check=True, capture_output=True)
    shutil.rmtree(into, ignore_errors=True)
    fresh.rename(into)
    return failed


def _fetch(into: Path, packages: Sequence[str], *lists: str) -> bool:
    return _apt(into, *lists, "install", "--download-only", "--no-install-recommends", *packages)


def _apt(cache: Path, *arguments: str) -> bool:
    for part in ("lists", "archives"):
        (cache / part / "partial").mkdir(parents=True, exist_ok=True)
    command = (
        "apt-get", "-qq", "-y", "-o", f"Dir::Cache={cache}", "-o", "Debug::NoLocking=1",
        "-o", "APT::Sandbox::User=root", *arguments,
    )  # fmt: skip
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:  # this is no Debian
        return False


if __name__ == "__main__":
    wanted = PACKAGES + MORE if "all" in sys.argv else PACKAGES
    if lacking := unpack(DEBIAN, wanted):
        print(f"Debian's {', '.join(lacking)}: not to be had, so tests with them are skipped",
              file=sys.stderr)  # fmt: skip
