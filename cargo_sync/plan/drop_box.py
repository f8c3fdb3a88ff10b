"""What a job must not want of a drop box: a folder of the server where it may only add files."""

from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Problem, adds_only


def unfit(where: str, mode: Mode, *, propagate: bool) -> Problem | None:
    """Why a job cannot work there, or None.

    Args:
        where: the drop box in words, such as "the workspace 'in'".
        mode: of the job.
        propagate: it repeats deletions.
    """
    changes = ['"sync_mode": "upload"'] if mode is not Mode.UPLOAD else []
    if propagate:
        changes.append('"delete": "keep"')
    return adds_only(where, f"set {' and '.join(changes)} in the job") if changes else None
