"""The choice of a job's far side.

A new kind of server is a line in `BUILDERS`, and is taken out of `NOT_BUILT` in
config/remote_kinds.py: until then job files that name one are refused.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cargo_sync.config.remote_address import RemoteKind
from cargo_sync.daemon.far.cargo import cargo_side
from cargo_sync.daemon.far.side import FarCase, JobFarSide

BUILDERS: Final[Mapping[RemoteKind, Callable[[FarCase], JobFarSide]]] = {
    RemoteKind.CARGO: cargo_side,
}


def far_side(case: FarCase) -> JobFarSide:
    """The far side that a job's `hostname` names."""
    return BUILDERS[case.settings.remote.kind](case)
