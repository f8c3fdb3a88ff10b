"""The disk of the spool is full: the same is told, whatever keeps the contents then."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.space import FreeSpace, SpaceLedger
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.workspace.content.workspace import ContentWorkspace
from tests.conformance.workspaces import BUILDS, Scene, offer

MIB = 2**20
LARGE, LARGER = bytes(2 * MIB), bytes(3 * MIB)
SMALL = b"small"


@pytest.fixture(params=["content", "nodes", "bucket"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as last:
        yield BUILDS[request.param](tmp_path, last)


def refusal(scene: Scene, content: bytes) -> tuple[str, str]:
    """What a client is told that sends it over HTTP."""
    with pytest.raises(ProblemError) as refused:
        scene.upload("http", content)
    return refused.value.problem.code_text, refused.value.problem.message


def goes_on(scene: Scene) -> None:
    """There is room again: all that was refused comes, and nothing of it was left."""
    scene.put("large", LARGE)
    scene.upload("http", LARGER)
    assert scene.files() == {"small": SMALL, "large": LARGE, "http": LARGER}
    assert isinstance(scene.workspace, ContentWorkspace)
    spool = scene.workspace._tree.store.spool
    assert spool.staging.sweep(MemoryAges(lambda: 0.0), 0.0) == 0, "nothing is staged any more"


def test_what_does_not_fit_is_refused_before_it_is_sent(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(SpaceLedger, "_look", lambda *_: (FreeSpace(3 * MIB, 2 * MIB, 0), 1))
        some = {"large": LARGE, "small": SMALL}
        files = [(offer(path, content), content) for path, content in some.items()]
        wants, receipts = scene.bring(*files)
        assert [want.code for want in wants] == ["disk_full", "all"]
        assert [one.code for one in receipts] == ["disk_full", "done"]
        assert "2,097,152 bytes" in wants[0].message, wants[0]
        assert refusal(scene, LARGER)[0] == "disk_full"
    goes_on(scene)


def test_a_disk_that_becomes_full_meanwhile_fails_that_file_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(scene.workspace, ContentWorkspace)
    root = scene.workspace._tree.store.spool.staging.root

    def is_full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    scene.put("small", SMALL)
    with monkeypatch.context() as full:
        full.setattr(type(root.system), "write", is_full)
        _, [receipt] = scene.bring((offer("large", LARGE), LARGE))
        assert receipt.code == "disk_full" and receipt.retry
        assert refusal(scene, LARGER)[0] == "disk_full"
        assert scene.files() == {"small": SMALL}, "what is there can be read"
    goes_on(scene)
