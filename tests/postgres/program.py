"""The program of a PostgreSQL: made in a folder of its own, started, stopped, started again.

One may follow another one, and take over from it.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg

from tests.remotes.installed import DEBIAN, unpacked_libraries
from tests.remotes.processes import guarded, kill
from tests.remotes.server import MissingError
from tests.remotes.unprivileged import owner
from tests.remotes.waiting import until

_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "autovacuum": "off",
}
_INSTALLED: Final = Path("/usr/lib/postgresql")
_UNPACKED: Final = DEBIAN / "usr/lib/postgresql"


def programs() -> tuple[Path, Mapping[str, str]]:
    """The folder of PostgreSQL's programs, and what their environment needs.

    Raises:
        MissingError: there is none.
    """
    for place in (_INSTALLED, _UNPACKED):
        for found in sorted(place.glob("*/bin/initdb"), reverse=True):
            return found.parent, unpacked_libraries() if place == _UNPACKED else {}
    if (path := shutil.which("initdb")) and shutil.which("postgres"):
        return Path(path).parent, {}
    raise MissingError("PostgreSQL is not installed (Debian: postgresql)")


class PostgresProgram:
    """A PostgreSQL with a socket in a folder, and without a port."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        follows: "PostgresProgram | None" = None,
    ) -> None:
        """Makes its tables in `folder`, which may only be read by its user.

        Args:
            folder: exists, and is empty.
            settings: beside those of all tests.
            follows: one that runs, and has the same settings; None: it is for itself.

        Raises:
            MissingError: there is no PostgreSQL here.
        """
        self.folder = folder
        self._settings = {**_SETTINGS, **settings}
        self._found, libraries = programs()
        self._env = {**os.environ, **libraries}
        user = owner()
        os.chown(folder, user.pw_uid, user.pw_gid)
        self._data = folder / "data"
        less = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self._as_user = less if os.geteuid() == 0 else []  # PostgreSQL refuses to run as root
        self._program: subprocess.Popen[bytes] | None = None
        if follows is None:
            made = self._run(
                "initdb", "-U", "cargo", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
                "--no-instructions",
            )  # fmt: skip
        else:
            made = self._run(
                "pg_basebackup", "-U", "cargo", "-h", str(follows.folder), "--checkpoint=fast",
                "--write-recovery-conf", "--no-sync",
            )  # fmt: skip
        if made.returncode:
            raise MissingError(f"PostgreSQL cannot be set up: {made.stderr.strip()[-300:]}")

    def address(self, name: str) -> str:
        return f"postgresql://cargo@/{name}?host={self.folder}"

    @property
    def runs(self) -> bool:
        return self._program is not None

    def start(self) -> None:
        """Returns as soon as it answers."""
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        command = [str(self._found / "postgres"), "-D", str(self._data), "-k", str(self.folder)]
        log = self.folder / "log"
        with open(log, "ab") as to:
            self._program = subprocess.Popen(
                guarded([*self._as_user, *command, *settings]),
                stdin=subprocess.PIPE, stdout=to, stderr=to, cwd="/", env=self._env,
                start_new_session=True,
            )  # fmt: skip
        until(lambda: _answers(self.address("postgres")), "PostgreSQL", self._program, log)

    def stop(self) -> None:
        """Ends it at once, with all connections, as a crash does: it recovers from its log."""
        self._run("pg_ctl", "-m", "immediate", "stop")
        if self._program is not None:
            kill(self._program)
            self._program = None

    def take_over(self) -> None:
        """From now on it follows nobody, and may be written to."""
        done = self._run("pg_ctl", "promote", "-w")
        assert done.returncode == 0, done.stderr

    def _run(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self._as_user, str(self._found / name), "-D", str(self._data), *arguments],
            capture_output=True, text=True, cwd="/", env=self._env, check=False,
        )  # fmt: skip


def _answers(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
