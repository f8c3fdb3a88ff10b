"""A folder of an S3 bucket as the far side of a job."""

from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.checks.remote_steps import RemoteCheck
from cargo_sync.daemon.far.remote import remote_side, remote_use
from cargo_sync.daemon.far.side import FarCase, JobFarSide
from cargo_sync.model.world import World
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.credentials import S3Login
from cargo_sync.trees.s3.folder import S3Folder
from cargo_sync.wire.sigv4 import AccessKey


def s3_side(case: FarCase) -> JobFarSide:
    """The far side of a job with a bucket."""
    return remote_side(case, _folder(case.settings, case.world))


def s3_check(job: JobSettings, world: World) -> RemoteCheck:
    """What is checked of a job with a bucket."""
    return RemoteCheck(_folder(job, world), remote_use(job))


def _folder(job: JobSettings, world: World) -> S3Folder:
    place = job.remote.below(job.remote_dir)

    def key() -> AccessKey:
        return AccessKey(job.username, job.password.reveal())

    login = S3Login(
        S3Address.of(place, job.region),
        key,
        f"sha256:{job.tls_fingerprint}" if job.tls_fingerprint else "",
        job.ca_file or "",
    )
    return S3Folder(login, place.path, world)
