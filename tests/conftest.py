import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The runtime folder that a test's servers put their control sockets into: sockets' paths are
    short."""
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        monkeypatch.setenv("CARGO_RUNTIME_DIR", folder)
        yield folder
