"""`python -m tests.in_memory COMMAND`: runs it with its temporary files in memory, if it has room.

The programs that tests start sync what they write, and so would wait for a disk. Where memory keeps
no extended attributes (tmpfs before Linux 6.6), or is small, as in containers, they use the disk.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")
ENOUGH: Final = 4 << 30
"""Bytes that must be free."""
_KEPT: Final = "-o tmp_path_retention_policy=failed"
"""Else what all tests have written stays to the end: gigabytes."""


def main() -> int:
    command = sys.argv[1:]
    if not _is_good(MEMORY):
        return subprocess.call(command)
    # A short name: there are sockets below it.
    with tempfile.TemporaryDirectory(prefix="t-", dir=MEMORY) as folder:
        Path(folder).chmod(0o711)  # servers of other people serve as users of their own
        given = {"TMPDIR": folder, "PYTEST_ADDOPTS": f"--basetemp={folder}/p {_KEPT}"}
        return subprocess.call(command, env=os.environ | given)


def _is_good(memory: Path) -> bool:
    try:
        if shutil.disk_usage(memory).free < ENOUGH:
            return False
        with tempfile.NamedTemporaryFile(dir=memory) as file:
            os.setxattr(file.name, "user.cargo", b"kept")
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
