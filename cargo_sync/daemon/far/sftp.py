"""A folder on an SSH server as the far side of a job."""

from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.checks.remote_steps import RemoteCheck
from cargo_sync.daemon.far.remote import remote_side, remote_use
from cargo_sync.daemon.far.side import FarCase, JobFarSide
from cargo_sync.model.world import World
from cargo_sync.trees.sftp.folder import SftpFolder
from cargo_sync.trees.sftp.login import SftpLogin


def sftp_side(case: FarCase) -> JobFarSide:
    """The far side of a job with an SFTP server."""
    return remote_side(case, _folder(case.settings, case.world))


def sftp_check(job: JobSettings, world: World) -> RemoteCheck:
    """What is checked of a job with an SFTP server."""
    return RemoteCheck(_folder(job, world), remote_use(job))


def _folder(job: JobSettings, world: World) -> SftpFolder:
    passphrase = job.key_passphrase
    login = SftpLogin(
        job.remote.host,
        job.remote.port,
        job.username,
        job.password.reveal if job.password.reveal() else None,
        job.key_file,
        None if passphrase is None else passphrase.reveal,
        job.agent,
        job.host_key,
        job.known_hosts,
    )
    return SftpFolder(job.remote.below(job.remote_dir), login, world)
