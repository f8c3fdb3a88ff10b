"""Apache with mod_dav. As root it serves as a user without rights, whose the files are."""

import base64
import hashlib
import os
from pathlib import Path
from typing import Final

from tests.remotes import unprivileged
from tests.remotes.installed import Found, of_system
from tests.remotes.server import HTTP, Login, MissingError, Setup, folders_in

LOGIN: Final = Login("ana", "canary-apache-3f")
_MODULES: Final = (
    "mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav",
    "dav_fs",
)  # fmt: skip
_SETTINGS: Final = """\
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/run/pid
ErrorLog /dev/stderr
DefaultRuntimeDir {folder}/run
{loaded}
{user}
DavLockDB {folder}/locks/db
# By default Apache refuses what is larger than 1 GiB.
LimitRequestBody 0
DocumentRoot {folder}/stored
# A few processes do for tests.
StartServers 1
MinSpareThreads 1
<Directory {folder}/stored>
  Dav On
  AuthType Basic
  AuthName files
  AuthUserFile {folder}/users
  Require valid-user
</Directory>
"""


class ApacheDav:
    """`apache2`, with settings of its own alone."""

    name: Final = "apache"

    def version(self) -> str:
        # Such as "Server version: Apache/2.4.62 (Debian)".
        return of_system("apache2").says("-v").split("Apache/")[1].split()[0]

    def set_up(self, folder: Path, port: int) -> Setup:
        program = of_system("apache2")
        modules = _modules(program)
        for name in ("run", "locks"):
            (folder / name).mkdir()
        owner = unprivileged.owner()
        make = unprivileged.owned(folders_in(folder / "stored"), owner)
        os.chown(folder / "locks", owner.pw_uid, owner.pw_gid)
        user = ""
        if os.geteuid() == 0:
            user = f"User #{owner.pw_uid}\nGroup #{owner.pw_gid}"
        # Apache knows this form of a password everywhere.
        digest = base64.b64encode(hashlib.sha1(LOGIN.password.encode()).digest()).decode()
        (folder / "users").write_text(f"{LOGIN.user}:{{SHA}}{digest}\n")
        settings = folder / "settings"
        settings.write_text(_SETTINGS.format(
            folder=folder, port=port, user=user,
            loaded="\n".join(f"LoadModule {one}_module {modules}/mod_{one}.so" for one in _MODULES),
        ))  # fmt: skip
        return Setup(
            (program.path, "-D", "FOREGROUND", "-f", str(settings)),
            HTTP,
            f"webdav+http://127.0.0.1:{port}",
            LOGIN,
            make,
            program.environment,
        )


def _modules(program: Found) -> Path:
    for place in ("usr/lib/apache2/modules", "usr/lib64/httpd/modules", "usr/libexec/apache2"):
        if (program.root / place / "mod_dav_fs.so").exists():
            return program.root / place
    raise MissingError("there is no mod_dav for apache2")


APACHE_DAV: Final = ApacheDav()
