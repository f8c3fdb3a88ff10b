"""What a job must not want of a drop box, and what it is told to change."""

import pytest

from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code
from cargo_sync.plan.drop_box import unfit


@pytest.mark.parametrize(
    ("mode", "propagate", "change"),
    [
        (Mode.UPLOAD, False, ""),
        (Mode.UPLOAD, True, 'set "delete": "keep" in the job'),
        (Mode.DOWNLOAD, False, 'set "sync_mode": "upload" in the job'),
        (Mode.BIDIRECTIONAL, False, 'set "sync_mode": "upload" in the job'),
        (Mode.BIDIRECTIONAL, True, 'set "sync_mode": "upload" and "delete": "keep" in the job'),
    ],
)
def test_only_uploads_that_delete_nothing_fit(mode: Mode, propagate: bool, change: str) -> None:
    problem = unfit("the workspace 'in'", mode, propagate=propagate)
    if not change:
        assert problem is None
        return
    assert problem is not None and problem.code is Code.WRITE_ONLY and not problem.retry
    assert problem.message == (
        "you may only add files to the workspace 'in', and this job would do more: nothing is moved"
    )
    assert problem.hint == f'{change}, or ask the person who runs the server to grant "rw"'
