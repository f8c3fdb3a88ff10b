"""Nothing that goes wrong in one task of a process ends the others."""

import ast
import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.process.tasks import AGAIN, contained, lasting
from tests.virtual import run

PACKAGE = Path(__file__).parents[2] / "cargo_sync"
GUARDS = {"contained", "lasting"}
WITHIN_ONE_JOB = "daemon/job/supervisor.py"
"""A job's own group: if one of its tasks fails, the registry starts the whole job again."""
THE_PROCESS = "daemon/app.py run"
"""The whole daemon and the wait for its end."""


async def test_a_failure_of_one_task_is_logged_and_leaves_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails() -> None:
        raise RuntimeError("canary")

    async def works() -> None:
        done.append(1)

    done: list[int] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(contained(fails(), "a transfer", job="nightly"))
        group.create_task(contained(works(), "another"))
    assert done == [1]
    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.ERROR,
        "a transfer failed unexpectedly",
    )
    assert record.exc_info
    assert vars(record)["job"] == "nightly"


def test_what_shall_last_begins_again_until_it_ends_by_itself() -> None:
    began: list[float] = []

    async def work() -> None:
        began.append(asyncio.get_running_loop().time())
        if len(began) < 3:
            raise ExceptionGroup("several", [ValueError(len(began))])

    run(lasting(work, "reading"))
    assert [at - began[0] for at in began] == [0.0, AGAIN, 2 * AGAIN]


async def test_what_fails_while_it_is_cancelled_does_not_begin_again() -> None:
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("while it ended")

    task = asyncio.create_task(lasting(work, "reading"))
    await began.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.exception() is None


@pytest.mark.parametrize("package", ["control", "daemon", "process", "server", "webhooks"])
def test_every_task_of_a_process_is_guarded(package: str) -> None:
    unguarded = [
        place
        for path in sorted((PACKAGE / package).rglob("*.py"))
        for place in _unguarded(path)
        if not place.startswith((WITHIN_ONE_JOB, THE_PROCESS))
    ]
    assert unguarded == [], "start it as contained(…) or lasting(…) of process/tasks.py"


def test_a_bare_task_would_be_found(tmp_path: Path) -> None:
    path = PACKAGE / WITHIN_ONE_JOB
    assert any(place.startswith(WITHIN_ONE_JOB) for place in _unguarded(path))


def _unguarded(path: Path) -> Iterator[str]:
    """The places in a file that give a task group something that is not guarded."""
    for function in ast.walk(ast.parse(path.read_text())):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        guarded = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and _is_guard(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if not (isinstance(node, ast.Call) and _name(node.func) == "create_task"):
                continue
            [work] = node.args
            if not (_is_guard(work) or (isinstance(work, ast.Name) and work.id in guarded)):
                where = path.relative_to(PACKAGE).as_posix()
                yield f"{where} {function.name}: {ast.unparse(node)}"


def _is_guard(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _name(node.func) in GUARDS


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
