"""The tools, as their users run them.

cargo  ours, or an older build of it
cp     cp -r
rsync  rsync with a daemon
"""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.transfers.peer import Peer
from benchmarks.transfers.peers.cargo import Cargo
from benchmarks.transfers.peers.cp import Cp
from benchmarks.transfers.peers.rsync import Rsync
from benchmarks.transfers.workloads import Mode

OURS: Final = Cargo.name
PEERS: Final[Mapping[str, Callable[[Mode], Peer]]] = {
    OURS: Cargo,
    "cp": lambda mode: Cp(),
    "rsync": lambda mode: Rsync(),
}
"""By name; ours comes first."""
