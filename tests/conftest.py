import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.unsynced import leave_out_syncs

# The same examples in every run, however slow and busy the machine is.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def no_waiting_for_a_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a disk, except where a test is about that."""
    if request.node.get_closest_marker("synced") is None:
        leave_out_syncs(monkeypatch)


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The runtime folder that a test's servers put their control sockets into: sockets' paths are
    short."""
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        monkeypatch.setenv("CARGO_RUNTIME_DIR", folder)
        yield folder
