"""A server that is restored while a client has only some pages of its changes."""

import shutil
from pathlib import Path

import pytest

from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo.replies import ChangesReply
from cargo_sync.trees.cargo.tree import CargoTree
from tests.engine.world import System
from tests.ports import free_port
from tests.server.flows.test_flows import job, login, quick, run
from tests.server.test_app import running, settings

__all__ = ["quick"]


async def read_a_page(system: System) -> None:
    """The job reads one page of two rows, and is cut then."""
    far = system.far
    assert isinstance(far, CargoTree)
    changes, count = far._changes, 0

    async def cut(*asked: object, **named: object) -> ChangesReply:
        nonlocal count
        count += 1
        if count > 1:
            raise ProblemError(Problem(Code.CUT, "the line was cut"))
        return await changes(*asked, **{**named, "limit": 2})  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(far, "_changes", cut)
        with pytest.raises(ProblemError, match="the line was cut"):
            await run(system).execute()


@pytest.mark.sqlite
async def test_a_change_that_a_later_one_has_hidden_is_not_missed(tmp_path: Path) -> None:
    """The page lacks `a`, which had changed twice; the restored server has its first change."""
    file = settings(tmp_path, listen=f"127.0.0.1:{free_port()}")
    state, kept = tmp_path / "state", tmp_path / "kept"
    here = tmp_path / "other" / "here"
    async with running(file) as up:
        who = login(up)
        async with job(tmp_path / "other", who, Mode.UPLOAD) as other:
            for name in "abcd":
                (here / name).write_text("first")
            await run(other).execute()
    shutil.copytree(state, kept)
    async with job(tmp_path / "job", who, Mode.DOWNLOAD) as system:
        async with running(file), job(tmp_path / "other", who, Mode.UPLOAD) as other:
            (here / "a").write_text("changed again")
            await run(other).execute()
            await read_a_page(system)
        shutil.rmtree(state)
        kept.rename(state)
        async with running(file):
            with pytest.raises(ProblemError, match="restored from an older state"):
                await run(system).execute()
