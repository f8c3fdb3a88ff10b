"""OpenStack Swift with its S3 API (s3api): a small one, with one copy of everything.

It has no memcached: without one it asks its own parts each time. Keys of S3 are those of tempauth.
"""

import secrets
from pathlib import Path
from typing import Final

from tests.ports import free_port
from tests.remotes.buckets import make_bucket
from tests.remotes.installed import of_python, package_version
from tests.remotes.server import HTTP, Login, Setup

LOGIN: Final = Login("test:tester", "canary-swift-8c")
_COMMON: Final = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_level = WARNING
"""
_PATIENT: Final = """\
# On a busy machine an update of a listing is late, never left for a program that does not run.
conn_timeout = 60
node_timeout = 60
container_update_timeout = 60
"""
_PART: Final = """\
[pipeline:main]
pipeline = {part}-server
[app:{part}-server]
use = egg:swift#{part}
recon_cache_path = {folder}/recon
"""
_PROXY: Final = """\
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats bulk s3api tempauth copy slo dlo \
versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 60
node_timeout = 60
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""


class Swift:
    """Swift's four servers."""

    name: Final = "swift"

    def version(self) -> str:
        return package_version("swift")

    def set_up(self, folder: Path, port: int) -> Setup:
        objects, containers = port + 1, free_port()
        ports = {"object": objects, "container": containers, "account": containers + 1}
        (folder / "devices/disk").mkdir(parents=True)
        (folder / "recon").mkdir()
        (folder / "swift.conf").write_text(
            f"[swift-hash]\nswift_hash_path_suffix = {secrets.token_hex(8)}\n"
        )
        for part, its_port in ports.items():
            common = _COMMON.format(folder=folder, port=its_port)
            (folder / f"{part}.conf").write_text(
                common + _PART.format(part=part, folder=folder) + _PATIENT
            )
        (folder / "proxy.conf").write_text(
            _COMMON.format(folder=folder, port=port) + _PROXY.format(secret=LOGIN.password)
        )

        def make_place(name: str) -> None:
            make_bucket(port, name, LOGIN)

        parts = Path(__file__).with_name("swift_parts.py")
        return Setup(
            (of_python("python"), "-P", str(parts), str(folder), *map(str, ports.values())),
            HTTP,
            f"s3+http://127.0.0.1:{port}",
            LOGIN,
            make_place,
            also=tuple(ports.values()),
        )


SWIFT: Final = Swift()
