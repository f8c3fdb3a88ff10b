"""The tools, as their users run them.

cargo      ours, or an older build of it
alone      our daemon and our server, each alone
catalogue  waits until our server knows its files
cp         cp -r
rsync      rsync with its daemon
rclone     rclone with nginx, and with its own WebDAV and SFTP servers
nginx      the HTTP server of rclone, curl, aria2 and lftp
curl       curl, and curl -Z for many files
aria2      aria2c -x16
lftp       lftp mirror
tar_nc     tar | nc
"""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.transfers.peer import Peer
from benchmarks.transfers.peers.alone import DAEMON, LONE_SERVER, LoneDaemon, LoneServer
from benchmarks.transfers.peers.aria2 import Aria2
from benchmarks.transfers.peers.cargo import Cargo
from benchmarks.transfers.peers.cp import Cp
from benchmarks.transfers.peers.curl import Curl
from benchmarks.transfers.peers.lftp import Lftp
from benchmarks.transfers.peers.rclone import Rclone
from benchmarks.transfers.peers.rsync import Rsync
from benchmarks.transfers.peers.tar_nc import TarNc
from benchmarks.transfers.workloads import Mode

OURS: Final = Cargo.name
ALL_OURS: Final = (OURS, DAEMON, LONE_SERVER)
PEERS: Final[Mapping[str, Callable[[Mode], Peer]]] = {
    OURS: Cargo,
    Cp.name: lambda mode: Cp(),
    TarNc.name: lambda mode: TarNc(),
    Rsync.name: lambda mode: Rsync(),
    Rclone.name: Rclone,
    Curl.name: Curl,
    Aria2.name: Aria2,
    Lftp.name: Lftp,
    DAEMON: LoneDaemon,
    LONE_SERVER: LoneServer,
}
"""By name; ours comes first."""
