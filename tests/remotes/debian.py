"""Debian's packages of servers, unpacked into a folder and not installed.

Installed they would start, and start again with the machine. Unpacked they change nothing in the
system, and nobody has to be root.

`python -m tests.remotes.debian` unpacks them where that is possible, and says so where not.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.remotes.installed import DEBIAN

PACKAGES: Final = ("openssh-server", "vsftpd", "apache2-bin")


def unpack(into: Path) -> bool:
    """Unpacks them, and what of their libraries the system lacks; whether that was possible."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return False
    with tempfile.TemporaryDirectory(prefix="cargo-debian-") as folder:
        fetched = Path(folder)
        # The system's lists may be empty or old. Own ones need nobody's permission, and no lock.
        if not _fetch(fetched) and not _fetch(fetched, "-o", f"Dir::State::Lists={folder}/lists"):
            return False
        fresh = into.with_name(f"{into.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for package in sorted(fetched.glob("archives/*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, fresh], check=True, capture_output=True)
    shutil.rmtree(into, ignore_errors=True)
    fresh.rename(into)
    return True


def _fetch(into: Path, *lists: str) -> bool:
    options = (
        "-qq", "-y", "-o", f"Dir::Cache={into}", "-o", "Debug::NoLocking=1",
        "-o", "APT::Sandbox::User=root", *lists,
    )  # fmt: skip
    (into / "lists/partial").mkdir(parents=True, exist_ok=True)
    (into / "archives/partial").mkdir(parents=True, exist_ok=True)
    steps = [["install", "--download-only", "--no-install-recommends", *PACKAGES]]
    if lists:
        steps.insert(0, ["update"])
    return all(
        subprocess.run(["apt-get", *options, *step], capture_output=True, check=False).returncode
        == 0
        for step in steps
    )


if __name__ == "__main__":
    if not unpack(DEBIAN):
        print(f"Debian's {', '.join(PACKAGES)} cannot be had: tests with them are skipped",
              file=sys.stderr)  # fmt: skip
