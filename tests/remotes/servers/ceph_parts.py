"""A Ceph of one monitor and one disk, with the S3 gateway before it, in one program.

It runs as `ceph_parts.py BINARIES FOLDER USER`, with CEPH_CONF, and with the secret of the user's
key in CEPH_SECRET. The first time it makes all of it; the gateway starts when the user exists. It
ends as soon as one part does.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

KEYS = {
    "mon.": ("mon",),
    "osd.0": ("mon", "osd"),
    "client.rgw": ("mon", "osd"),
}


class Ceph:
    """Its parts, which are started in order."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._parts: list[subprocess.Popen[bytes]] = []

    def run(self, name: str, *arguments: str) -> None:
        """One of its programs, to the end."""
        subprocess.run([self._binaries / name, *arguments], check=True)

    def start(self, name: str, *arguments: str) -> None:
        """One that goes on."""
        self._parts.append(subprocess.Popen([self._binaries / name, "-f", *arguments]))

    def make(self) -> None:
        """Keys, maps, and what the monitor begins with."""
        keyring, monitors, disks = (
            str(self._folder / name) for name in ("keyring", "monmap", "osdmap")
        )
        for name, caps in KEYS.items():
            allowed = [part for cap in caps for part in ("--cap", cap, "allow *")]
            create = [] if Path(keyring).exists() else ["-C"]
            self.run("ceph-authtool", *create, keyring, "--gen-key", "-n", name, *allowed)
        self.run(
            "monmaptool", "--create", "--fsid", os.environ["CEPH_FSID"],
            "--addv", "a", f"[{os.environ['CEPH_MONITOR']}]", monitors,
        )  # fmt: skip
        self.run(
            "osdmaptool", "--createsimple", "1", "--with-default-pool", "--pg-bits", "2", disks
        )
        self.run(
            "ceph-mon", "-i", "a", "--mkfs", "--monmap", monitors, "--osdmap", disks,
            "--keyring", keyring,
        )  # fmt: skip

    def end(self, number: int, frame: FrameType | None) -> None:
        for part in self._parts:
            with suppress(ProcessLookupError):
                part.kill()
        sys.exit(1)


def main() -> None:
    folder, user = Path(sys.argv[2]), sys.argv[3]
    ceph = Ceph(Path(sys.argv[1]), folder)
    signal.signal(signal.SIGTERM, ceph.end)
    made = folder / "made"
    if not made.exists():
        ceph.make()
    ceph.start("ceph-mon", "-i", "a")
    if not made.exists():
        ceph.run("ceph-osd", "-i", "0", "--mkfs")  # it asks the monitor
    ceph.start("ceph-osd", "-i", "0")
    if not made.exists():
        ceph.run(
            "radosgw-admin", "-n", "client.rgw", "user", "create", "--uid", user,
            "--display-name", user, "--access-key", user,
            "--secret", os.environ["CEPH_SECRET"],
        )  # fmt: skip
        made.touch()
    ceph.start("radosgw", "-n", "client.rgw")
    os.wait()
    ceph.end(0, None)


if __name__ == "__main__":
    main()
