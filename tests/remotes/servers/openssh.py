"""OpenSSH's sshd, for the user who runs the tests, who logs in with a key.

As root it insists on a user `sshd` and on a folder below /run, and on a root who is not locked. So
it gets a view of its own in which all this is true, and the system stays as it is.
"""

import getpass
import os
from pathlib import Path
from typing import Final

from tests.remotes import keys, own_view
from tests.remotes.installed import of_system
from tests.remotes.server import SMALL, SSH, Login, Setup, folders_in

_SETTINGS: Final = """\
ListenAddress 127.0.0.1:{port}
HostKey {host_key}
AuthorizedKeysFile {authorized}
# The keys lie below a temporary folder, which is everybody's.
StrictModes no
PidFile none
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
# Tests connect often, and some of them never log in.
MaxStartups 100
"""
_SMALL: Final = "small"
_USER: Final = "sshd:x:65500:65534::/run/sshd:/usr/sbin/nologin"


class OpenSsh:
    """`sshd`, with its own sftp (internal-sftp)."""

    name: Final = "openssh"

    def version(self) -> str:
        # Such as "OpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL 3.0.17 …", after a complaint about -V.
        said = of_system("sshd").says("-V")
        return said[said.index("OpenSSH_") :].removeprefix("OpenSSH_").split(",")[0].split()[0]

    def set_up(self, folder: Path, port: int) -> Setup:
        program = of_system("sshd")
        host, user = keys.make(folder / "host"), keys.make(folder / "user")
        authorized = folder / "authorized"
        authorized.write_text(user.public + "\n")
        settings = folder / "settings"
        settings.write_text(_SETTINGS.format(port=port, host_key=host.path, authorized=authorized))
        stored = folder / "stored"
        places = folders_in(stored)
        view = _own_view(folder, stored / _SMALL)
        command = (program.path, "-D", "-e", "-f", str(settings))
        return Setup(
            (*view, *command),
            SSH,
            f"sftp://127.0.0.1:{port}{stored}",
            Login(getpass.getuser(), key_file=user.path, host_key=host.fingerprint),
            places,
            program.environment,
            small=_SMALL if view else "",
        )


def _own_view(folder: Path, small: Path) -> tuple[str, ...]:
    """What starts it, as root, in a view of the system that has what it wants.

    There `small` is a disk of its own.
    """
    if os.geteuid() != 0:
        return ()
    (folder / "run/sshd").mkdir(parents=True)
    small.mkdir()
    # In many containers root is locked, and sshd lets nobody in who is.
    (folder / "shadow").write_text("root:*:20000::::::\n")
    # rclone runs a command per file, for which the shell would read what its user has written.
    (folder / "bashrc").touch()
    own = Path.home() / ".bashrc"
    return own_view.entering({
        **({str(own): folder / "bashrc"} if own.exists() else {}),
        "/etc/passwd": own_view.users_with(_USER, folder),
        "/etc/shadow": folder / "shadow",
        "/run": folder / "run",
        str(small): f"tmpfs:{SMALL}",
    })  # fmt: skip


OPENSSH: Final = OpenSsh()
