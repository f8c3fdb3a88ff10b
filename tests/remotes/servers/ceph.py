"""Ceph's S3 gateway (RGW), before a small Ceph with one disk of a gigabyte."""

import sys
import uuid
from pathlib import Path
from typing import Final

from tests.ports import free_port
from tests.remotes.buckets import make_bucket
from tests.remotes.installed import of_system
from tests.remotes.server import HTTP, Login, Setup

LOGIN: Final = Login("ana", "canary-ceph-6d")
_SETTINGS: Final = """\
[global]
fsid = {fsid}
mon_host = {monitor}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
keyring = {folder}/keyring
run_dir = {folder}
crash_dir = {folder}
admin_socket =
log_to_stderr = true
err_to_stderr = true
mon_cluster_log_file =
plugin_dir = {libraries}/ceph
erasure_code_dir = {libraries}/ceph/erasure-code
osd_class_dir = {libraries}/rados-classes
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_warn = 2
mon_data_avail_crit = 1
[mon.a]
mon_data = {folder}/mon
mon_initial_members = a
[osd]
osd_data = {folder}/osd
osd_objectstore = bluestore
bluestore_block_size = 1073741824
bluestore_block_create = true
osd_memory_target = 939524096
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:{port}
rgw_data = {folder}
rgw_enable_usage_log = false
rgw_enable_ops_log = false
"""


class CephRgw:
    """`radosgw`, `ceph-osd` and `ceph-mon`."""

    name: Final = "ceph"

    def version(self) -> str:
        # Such as "ceph version 16.2.15 (…) pacific (stable)".
        return of_system("radosgw").says("--version").split("version ")[1].split()[0]

    def set_up(self, folder: Path, port: int) -> Setup:
        program = of_system("radosgw")
        fsid, monitor = str(uuid.uuid4()), f"v2:127.0.0.1:{free_port()}"
        libraries = next(iter(program.root.glob("usr/lib/*-linux-gnu/rados-classes"))).parent
        settings = folder / "ceph.conf"
        settings.write_text(
            _SETTINGS.format(
                fsid=fsid, monitor=monitor, folder=folder, libraries=libraries, port=port
            )
        )
        for name in ("mon", "osd"):
            (folder / name).mkdir()

        def make_place(name: str) -> None:
            make_bucket(port, name, LOGIN)

        parts = Path(__file__).with_name("ceph_parts.py")
        return Setup(
            (
                sys.executable, "-P", str(parts), str(Path(program.path).parent), str(folder),
                LOGIN.user,
            ),
            HTTP,
            f"s3+http://127.0.0.1:{port}",
            LOGIN,
            make_place,
            {
                **program.environment,
                "CEPH_CONF": str(settings),
                "CEPH_FSID": fsid,
                "CEPH_MONITOR": monitor,
                "CEPH_SECRET": LOGIN.password,
            },
        )  # fmt: skip


CEPH: Final = CephRgw()
