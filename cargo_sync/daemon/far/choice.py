"""The choice of a job's far side, and of what `job test` checks of it.

A new kind of server is a line in `BUILDERS` and one in `CHECKS`, and is taken out of `NOT_BUILT` in
config/remote_kinds.py: until then job files that name one are refused.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cargo_sync.config.job import JobSettings
from cargo_sync.config.remote_address import RemoteKind
from cargo_sync.daemon.checks.steps import FarCheck
from cargo_sync.daemon.far.cargo import cargo_check, cargo_side
from cargo_sync.daemon.far.s3 import s3_check, s3_side
from cargo_sync.daemon.far.sftp import sftp_check, sftp_side
from cargo_sync.daemon.far.side import FarCase, JobFarSide
from cargo_sync.model.world import World

BUILDERS: Final[Mapping[RemoteKind, Callable[[FarCase], JobFarSide]]] = {
    RemoteKind.CARGO: cargo_side,
    RemoteKind.S3: s3_side,
    RemoteKind.SFTP: sftp_side,
}

CHECKS: Final[Mapping[RemoteKind, Callable[[JobSettings, World], FarCheck]]] = {
    RemoteKind.CARGO: cargo_check,
    RemoteKind.S3: s3_check,
    RemoteKind.SFTP: sftp_check,
}


def far_side(case: FarCase) -> JobFarSide:
    """The far side that a job's `hostname` names."""
    return BUILDERS[case.settings.remote.kind](case)


def far_check(settings: JobSettings, world: World) -> FarCheck:
    """What is checked of a job, by what its `hostname` names."""
    return CHECKS[settings.remote.kind](settings, world)
