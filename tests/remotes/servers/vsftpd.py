"""vsftpd, for one user with a password.

If root starts it, the user exists in its own view of the system alone (`own_view`), and is confined
to the stored folder. Others have no such views: there it lets anonymous users write, who are not
confined, so that paths begin at the system's root.

With TLS it has a certificate of its own. As it comes, it insists that a data connection resumes the
session of the control connection, which few libraries do: `vsftpd-strict` is so.
"""

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cargo_sync.api.own_certificate import make_certificate
from tests.remotes import own_view, unprivileged
from tests.remotes.installed import of_system
from tests.remotes.server import FTP, Login, Setup, folders_in
from tests.remotes.servers.ftp_user import HASHED, LOGIN, PASSIVE

_SETTINGS: Final = """\
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
write_enable=YES
pasv_min_port={passive[0]}
pasv_max_port={passive[1]}
secure_chroot_dir={folder}/empty
# It may not be allowed to confine itself in a container.
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
vsftpd_log_file={folder}/transfers
"""
_USER: Final = """\
anonymous_enable=NO
local_enable=YES
local_umask=022
chroot_local_user=YES
allow_writeable_chroot=YES
pam_service_name=vsftpd
"""
_ANONYMOUS: Final = """\
run_as_launching_user=YES
anonymous_enable=YES
ftp_username={user}
anon_root={folder}/stored
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
allow_anon_ssl=YES
"""
_TLS: Final = """\
ssl_enable=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
rsa_cert_file={folder}/certificate.pem
rsa_private_key_file={folder}/key.pem
require_ssl_reuse={strict}
"""
_PAM: Final = """\
auth required pam_unix.so
account required pam_permit.so
session required pam_permit.so
"""


@dataclass(frozen=True, slots=True)
class Vsftpd:
    """`vsftpd`."""

    name: str
    tls: bool = False
    strict: bool = False

    def version(self) -> str:
        # Such as "vsftpd: version 3.0.3"; it writes into its standard input, as into a connection.
        program = of_system("vsftpd")
        said, written = os.pipe()
        try:
            subprocess.run(
                [program.path, "-v"],
                env=os.environ | program.environment,
                stdin=written,
                check=False,
            )
            return os.read(said, 1000).decode().split()[-1]
        finally:
            os.close(said)
            os.close(written)

    def set_up(self, folder: Path, port: int) -> Setup:
        program = of_system("vsftpd")
        root = os.geteuid() == 0
        scheme = "ftps" if self.tls else "ftp"
        make = unprivileged.owned(folders_in(folder / "stored"), unprivileged.owner())
        (folder / "empty").mkdir()
        text = _SETTINGS + (_USER if root else _ANONYMOUS)
        certificate = None
        if self.tls:
            certificate = folder / "certificate.pem"
            make_certificate(
                str(certificate), str(folder / "key.pem"), "vsftpd of a test", ["127.0.0.1"],
                datetime.now(UTC),
            )  # fmt: skip
            text += _TLS
        settings = folder / "settings"
        settings.write_text(
            text.format(
                port=port,
                folder=folder,
                passive=PASSIVE,
                user=unprivileged.owner().pw_name,
                strict="YES" if self.strict else "NO",
            )
        )
        return Setup(
            (*(_own_view(folder) if root else ()), program.path, str(settings)),
            FTP,
            f"{scheme}://127.0.0.1:{port}{'' if root else folder / 'stored'}",
            Login(LOGIN.user if root else "anonymous", LOGIN.password, certificate=certificate),
            make,
            program.environment,
        )


def _own_view(folder: Path) -> tuple[str, ...]:
    owner = unprivileged.owner()
    user = f"{LOGIN.user}:x:{owner.pw_uid}:{owner.pw_gid}::{folder}/stored:/bin/sh"
    shadow = folder / "shadow"
    shadow.write_text(f"{LOGIN.user}:{HASHED}:20000::::::\n")
    shadow.chmod(0o600)
    (folder / "pam").mkdir()
    (folder / "pam/vsftpd").write_text(_PAM)
    return own_view.entering({
        "/etc/passwd": own_view.users_with(user, folder),
        "/etc/shadow": shadow,
        "/etc/pam.d": folder / "pam",
    })  # fmt: skip


PLAIN: Final = Vsftpd("vsftpd")
TLS: Final = Vsftpd("vsftpd-tls", tls=True)
STRICT: Final = Vsftpd("vsftpd-strict", tls=True, strict=True)
