"""Pure-FTPd, for one user of a file of its own. It insists on being started by root."""

import os
import subprocess
from pathlib import Path
from typing import Final

from tests.remotes import unprivileged
from tests.remotes.installed import of_system
from tests.remotes.server import FTP, MissingError, Setup, folders_in
from tests.remotes.servers.ftp_user import HASHED, LOGIN, PASSIVE


class PureFtpd:
    """`pure-ftpd`."""

    name: Final = "pure-ftpd"

    def version(self) -> str:
        # Such as "pure-ftpd v1.0.50 [privsep]".
        return of_system("pure-ftpd").says("--help").split()[1].removeprefix("v")

    def set_up(self, folder: Path, port: int) -> Setup:
        program = of_system("pure-ftpd")
        if os.geteuid() != 0:
            raise MissingError("only root can start it")
        owner = unprivileged.owner()
        stored = folder / "stored"
        users = folder / "users"
        # Name, hash, ids, comment, home; then limits, of which there are none.
        users.write_text(
            f"{LOGIN.user}:{HASHED}:{owner.pw_uid}:{owner.pw_gid}::{stored}/./{':' * 12}\n"
        )
        subprocess.run(
            [program.root / "usr/bin/pure-pw", "mkdb", folder / "users.pdb", "-f", users],
            env=os.environ | program.environment,
            check=True,
            capture_output=True,
        )
        return Setup(
            (
                program.path, "--bind", f"127.0.0.1,{port}", "--ipv4only", "--dontresolve",
                "--login", f"puredb:{folder}/users.pdb", "--chrooteveryone", "--noanonymous",
                "--passiveportrange", ":".join(PASSIVE), "--minuid", "1",
                "--maxclientsperip", "100", "--maxclientsnumber", "100",
                "--pidfile", str(folder / "pid"),
            ),
            FTP,
            f"ftp://127.0.0.1:{port}",
            LOGIN,
            unprivileged.owned(folders_in(stored), owner),
            program.environment,
        )  # fmt: skip


PURE_FTPD: Final = PureFtpd()
