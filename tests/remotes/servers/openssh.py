"""OpenSSH's sshd, for the user who runs the tests, who logs in with a key.

As root it insists on a user `sshd` and on a folder below /run, and on a root who is not locked. So
it gets a view of its own in which all this is true, and the system stays as it is.
"""

import getpass
import os
import pwd
import shutil
from pathlib import Path
from typing import Final

from tests.remotes import keys
from tests.remotes.installed import Found, of_system
from tests.remotes.server import SSH, Login, MissingError, Setup, folders_in

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
_USER: Final = "sshd:x:65500:65534::/run/sshd:/usr/sbin/nologin\n"
_VIEW: Final = """\
mount --bind "$0/passwd" /etc/passwd &&
mount --bind "$0/shadow" /etc/shadow &&
mount --bind "$0/run" /run &&
exec "$@"
"""


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
        command = (program.path, "-D", "-e", "-f", str(settings))
        return Setup(
            (*_own_view(folder), *command),
            SSH,
            f"sftp://127.0.0.1:{port}{stored}",
            Login(getpass.getuser(), key_file=user.path, host_key=host.fingerprint),
            folders_in(stored),
            program.environment,
        )


def _own_view(folder: Path) -> tuple[str, ...]:
    """What starts a program in a view of the system that has what sshd wants, if we are root."""
    if os.geteuid() != 0:
        return ()
    unshare = shutil.which("unshare")
    if unshare is None or Found(unshare, Path("/")).says("--mount", "echo", "yes") != "yes":
        if _has_user() and Path("/run/sshd").is_dir():
            return ()
        raise MissingError("as root, sshd needs a user sshd and a folder /run/sshd")
    (folder / "run/sshd").mkdir(parents=True)
    users = Path("/etc/passwd").read_text()
    (folder / "passwd").write_text(users if _has_user() else users + _USER)
    # In many containers root is locked, and sshd lets nobody in who is.
    (folder / "shadow").write_text("root:*:20000::::::\n")
    return (unshare, "--mount", "--propagation", "private", "sh", "-c", _VIEW, str(folder))


def _has_user() -> bool:
    try:
        pwd.getpwnam("sshd")
    except KeyError:
        return False
    return True


OPENSSH: Final = OpenSsh()
