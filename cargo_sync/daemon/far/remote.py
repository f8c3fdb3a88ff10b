"""A folder on somebody else's server as the far side of a job, over any protocol."""

from collections.abc import Callable

from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.far.side import FarCase, JobFarSide
from cargo_sync.model.jobs import Mode
from cargo_sync.state.ages import Ages
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.remote_uploads import RemoteUploads
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.kept_trash import KeptTrash
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteTree, RemoteUse
from cargo_sync.trees.remote.upkeep import TrashLife


def remote_side(case: FarCase, make: Callable[[], RemoteFolder]) -> JobFarSide:
    """The far side of a job whose files are in the folder that `make` gives, each time anew."""
    lived, rows, name = case.world.lived, JobRows(case.database), case.settings.name

    ages = Ages(case.database, lived)

    def bound() -> bool:
        row = rows.get(name)
        return row is not None and row.binding is not None

    def delivers() -> bool:
        receives = Mode(case.settings.mode).receives
        return receives and Folders(case.database, case.job).counts()[0] > 0

    def had(folder: str) -> bool:
        part = Folders(case.database, case.job).part(folder, "")
        return part is not None and part.agreed is not None and len(part.agreed.names) > 0

    memory = RemoteMemory(RemoteUploads(case.database, lived), ages, bound, delivers, had)
    tree = RemoteTree(make(), remote_use(case.settings), memory, case.world, case.turn)
    trash = KeptTrash(make, ages, case.world.offload)
    return JobFarSide(tree, tree.flow_figures, trash=trash, lacks=tree.lacks)


def remote_use(job: JobSettings) -> RemoteUse:
    """What a job does with its far side."""
    sends = Mode(job.mode).sends
    return RemoteUse(
        makes=sends,
        changes=sends or job.after_transfer != "keep",
        loses=job.trash == "none",
        life=TrashLife(job.trash_days, job.trash_max),
    )
