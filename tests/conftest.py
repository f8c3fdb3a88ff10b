import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, however slow and busy the machine is.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The runtime folder that a test's servers put their control sockets into: sockets' paths are
    short."""
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        monkeypatch.setenv("CARGO_RUNTIME_DIR", folder)
        yield folder
