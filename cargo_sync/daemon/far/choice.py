"""The choice of a far side by its kind: for a job, for what `job test` checks, and for a session.

A new kind of server is a case in `far_folder`.
"""

from functools import partial

from cargo_sync.config.job import JobSettings
from cargo_sync.config.remote_address import RemoteKind
from cargo_sync.daemon.checks.remote_steps import RemoteCheck
from cargo_sync.daemon.checks.steps import FarCheck
from cargo_sync.daemon.far.cargo import cargo_check, cargo_side
from cargo_sync.daemon.far.cargo_place import CargoPlace
from cargo_sync.daemon.far.login import RemoteLogin, VisitLogin
from cargo_sync.daemon.far.place import FarPlace
from cargo_sync.daemon.far.remote import remote_side, remote_use
from cargo_sync.daemon.far.remote_place import RemotePlace
from cargo_sync.daemon.far.side import FarCase, JobFarSide
from cargo_sync.model.world import World
from cargo_sync.state.findings import Findings
from cargo_sync.trees.cargo.api import Apis, ServerLogin
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.findings import AskedAnew, FindingStore
from cargo_sync.trees.remote.tree import RemoteMemory


def far_side(case: FarCase) -> JobFarSide:
    """The far side that a job's `hostname` names."""
    if case.settings.remote.kind is RemoteKind.CARGO:
        return cargo_side(case)
    findings = Findings(case.database, case.world.lived)
    return remote_side(case, partial(far_folder, case.settings, case.world, findings))


def far_check(settings: JobSettings, world: World, findings: FindingStore) -> FarCheck:
    """What is checked of a job, by what its `hostname` names.

    What its server can do is asked anew, and kept in `findings` for the job.
    """
    if settings.remote.kind is RemoteKind.CARGO:
        return cargo_check(settings, world)
    return RemoteCheck(far_folder(settings, world, AskedAnew(findings)), remote_use(settings))


def far_place(login: VisitLogin, apis: Apis, memory: RemoteMemory, world: World) -> FarPlace:
    """Where the files of a session are, for a person who has not logged in yet."""
    if login.remote.kind is RemoteKind.CARGO:
        fingerprint, ca_file = login.tls_fingerprint or "", login.ca_file or ""
        password = login.password.reveal
        cargo = ServerLogin(str(login.remote), login.username, password, fingerprint, ca_file)
        return CargoPlace(cargo, apis, world)
    folder = far_folder(login, world, memory.findings)
    return RemotePlace(str(login.remote), login.username, folder, memory, world)


def far_folder(
    login: RemoteLogin, world: World, findings: FindingStore | None = None
) -> RemoteFolder:
    """The folder on somebody else's server.

    What reaches a kind of server is imported when the first of them is needed: all of it together
    would take two fifths of the time in which a daemon starts, and 13 MiB.

    Args:
        login: who asks where.
        world: clock, chance and threads.
        findings: what was found out about servers, where asking them takes many calls; None: in
            memory.
    """
    match login.remote.kind:
        case RemoteKind.CLOUD:
            from cargo_sync.daemon.far.folders.cloud import cloud_folder

            return cloud_folder(login, world)
        case RemoteKind.FTP:
            from cargo_sync.daemon.far.folders.ftp import ftp_folder

            return ftp_folder(login, world)
        case RemoteKind.PYDIO:
            from cargo_sync.daemon.far.folders.pydio import pydio_folder

            return pydio_folder(login, world)
        case RemoteKind.S3:
            from cargo_sync.daemon.far.folders.s3 import s3_folder

            return s3_folder(login, world, findings)
        case RemoteKind.SFTP:
            from cargo_sync.daemon.far.folders.sftp import sftp_folder

            return sftp_folder(login, world)
        case RemoteKind.WEBDAV:
            from cargo_sync.daemon.far.folders.webdav import webdav_folder

            return webdav_folder(login, world)
        case RemoteKind.CARGO:
            raise AssertionError("it is no other server")
