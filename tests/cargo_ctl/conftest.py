import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The runtime folder that front ends look in."""
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        monkeypatch.setenv("CARGO_RUNTIME_DIR", folder)
        monkeypatch.delenv("CARGO_CONTROL", raising=False)
        yield folder
