"""A folder of an S3 bucket."""

from cargo_sync.daemon.far.login import RemoteLogin
from cargo_sync.model.world import World
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.credentials import S3Login
from cargo_sync.trees.remote.findings import FindingStore
from cargo_sync.trees.s3.folder import S3Folder
from cargo_sync.wire.sigv4 import AccessKey


def s3_folder(login: RemoteLogin, world: World, findings: FindingStore | None = None) -> S3Folder:
    """The folder of a bucket that a job or a person names."""
    place = login.remote.below(login.remote_dir)

    def key() -> AccessKey:
        return AccessKey(login.username, login.password.reveal())

    bucket = S3Login(
        S3Address.of(place, login.region),
        key,
        f"sha256:{login.tls_fingerprint}" if login.tls_fingerprint else "",
        login.ca_file or "",
    )
    return S3Folder(bucket, place.path, world, findings)
