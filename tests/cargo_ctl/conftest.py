import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The runtime folder that front ends look in; this user's keys are there too."""
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        monkeypatch.setenv("CARGO_RUNTIME_DIR", folder)
        monkeypatch.setenv("XDG_CONFIG_HOME", folder)
        for variable in ("CARGO_CONTROL", "CARGO_KEY"):
            monkeypatch.delenv(variable, raising=False)
        yield folder
