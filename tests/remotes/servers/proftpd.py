"""ProFTPD, for one user of a file of its own: it needs no account of the system."""

import os
from pathlib import Path
from typing import Final

from tests.remotes import unprivileged
from tests.remotes.installed import of_system
from tests.remotes.server import FTP, Setup, folders_in
from tests.remotes.servers.ftp_user import HASHED, LOGIN, PASSIVE

_SETTINGS: Final = """\
ServerName "ProFTPD of a test"
ServerType standalone
DefaultAddress 127.0.0.1
SocketBindTight on
Port {port}
UseIPv6 off
UseReverseDNS off
PassivePorts {passive}
PidFile {folder}/pid
ScoreboardFile {folder}/scoreboard
ControlsEngine off
DelayEngine off
WtmpLog off
TransferLog none
SystemLog {folder}/system.log
{root}
AuthOrder mod_auth_file.c
AuthUserFile {folder}/users
RequireValidShell off
AllowOverwrite on
AllowStoreRestart on
"""
_AS_ROOT: Final = """\
User {user}
Group {group}
DefaultRoot ~
"""


class ProFtpd:
    """`proftpd`."""

    name: Final = "proftpd"

    def version(self) -> str:
        # Such as "ProFTPD Version 1.3.8".
        return of_system("proftpd").says("-v").split()[-1]

    def set_up(self, folder: Path, port: int) -> Setup:
        program = of_system("proftpd")
        root, owner = os.geteuid() == 0, unprivileged.owner()
        stored = folder / "stored"
        users = folder / "users"
        users.touch(0o600)
        users.write_text(f"{LOGIN.user}:{HASHED}:{owner.pw_uid}:{owner.pw_gid}::{stored}:/bin/sh\n")
        as_root = _AS_ROOT.format(user=owner.pw_name, group=unprivileged.group(owner))
        settings = folder / "settings"
        settings.write_text(
            _SETTINGS.format(
                port=port,
                passive=" ".join(PASSIVE),
                folder=folder,
                root=as_root if root else "",
            )
        )
        return Setup(
            (program.path, "--nodaemon", "--quiet", "--config", str(settings)),
            FTP,
            f"ftp://127.0.0.1:{port}{'' if root else stored}",
            LOGIN,
            unprivileged.owned(folders_in(stored), owner),
            program.environment,
        )


PROFTPD: Final = ProFtpd()
