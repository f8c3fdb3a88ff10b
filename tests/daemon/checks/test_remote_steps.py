"""What `job test` says of somebody else's server."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from cargo_sync.daemon.checks.remote_steps import RemoteCheck
from cargo_sync.model.abilities import CARGO
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.remote.tree import RemoteUse


class Closed(MemoryRemote):
    """Nothing can be written there."""

    async def find_out(self) -> None:
        message = "the server does not allow this: '.cargo_sync'"
        raise ProblemError(Problem(Code.UNREADABLE, message))


async def test_a_folder_in_which_nothing_can_be_written_is_named() -> None:
    check = RemoteCheck(Closed(MemoryServer(), CARGO), RemoteUse())
    case = cast(Any, SimpleNamespace(settings=SimpleNamespace(remote_place="sftp://h/x")))
    with pytest.raises(ProblemError) as caught:
        await check.writing(case)
    problem = caught.value.problem
    assert problem.message == "nothing can be written in sftp://h/x"
    assert "the server does not allow this" in problem.hint
