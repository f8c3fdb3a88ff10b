"""A workspace on a Cargo server as the far side of a job."""

from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.checks.cargo_steps import CargoCheck
from cargo_sync.daemon.far.side import FarCase, JobFarSide
from cargo_sync.model.world import World
from cargo_sync.trees.cargo.api import ServerLogin
from cargo_sync.trees.cargo.probe import ProbingApi
from cargo_sync.trees.cargo.trash import CargoTrash
from cargo_sync.trees.cargo.tree import CargoTree


def cargo_side(case: FarCase) -> JobFarSide:
    """The far side of a job with a Cargo server."""
    job = case.settings
    api = case.apis.of(_login(job))
    tree = CargoTree(api, job.workspace, job.remote_dir, case.world, case.turn)
    trash = CargoTrash(api, job.workspace, job.remote_dir)
    return JobFarSide(tree, tree.flows.figures, api.ask_afresh, trash)


def cargo_check(job: JobSettings, world: World) -> CargoCheck:
    """What is checked of a job with a Cargo server."""
    return CargoCheck(ProbingApi(_login(job), world.steady))


def _login(job: JobSettings) -> ServerLogin:
    return ServerLogin(
        job.url,
        job.username,
        job.password.reveal,
        job.tls_fingerprint or "",
        job.ca_file or "",
    )
