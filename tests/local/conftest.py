from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.local.root import Root
from cargo_sync.local.system import System
from tests.local.systems import KINDS, system


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The folder that is a root; files beside it are outside."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def on(kind: str) -> System:
    return system(kind)


@pytest.fixture
def root(top: Path, on: System) -> Iterator[Root]:
    opened = Root.open(str(top), on)
    yield opened
    opened.close()
