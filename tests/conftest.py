import gc
import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests import measured, stuck
from tests.new_states import NewStates
from tests.packed_pages import put_together_once
from tests.postgres.running import RunningPostgres, running
from tests.remotes.remotes import Remotes
from tests.remotes.server import MissingError
from tests.unsynced import leave_out_syncs

IN_POSTGRES: Final = os.environ.get("CARGO_TEST_STATE") == "postgresql"

# The same examples in every run, however slow and busy the machine is.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    stuck.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    stuck.watch(config)


def pytest_collection() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """What was collected and imported stays: nobody searches it for garbage."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    measured.leave_out(items)
    for item in items:
        if "remotes" in getattr(item, "fixturenames", ()):
            item.add_marker("remotes")


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[pytest.MonkeyPatch]:
    """Nobody waits for a disk, except where a test is about that."""
    with pytest.MonkeyPatch.context() as patch:
        leave_out_syncs(patch)
        yield patch


@pytest.fixture
def synced(unsynced: pytest.MonkeyPatch) -> Iterator[None]:
    """What this test writes reaches the disk, as what our programs write does."""
    unsynced.undo()
    yield
    leave_out_syncs(unsynced)


@pytest.fixture(scope="session", autouse=True)
def new_states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewStates]:
    """A state that a test makes is copied, except in the tests of the state."""
    states = NewStates(tmp_path_factory.mktemp("states"))
    with pytest.MonkeyPatch.context() as patch:
        states.copied(patch)
        yield states


@pytest.fixture(autouse=IN_POSTGRES)
def states_in_postgres(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CARGO_TEST_STATE=postgresql, the state of a server is there."""
    if request.node.get_closest_marker("sqlite") is None:
        server: RunningPostgres = request.getfixturevalue("postgres")
        request.addfinalizer(server.instead(monkeypatch).close)


@pytest.fixture(scope="session", autouse=True)
def packed_pages() -> Iterator[None]:
    """The page's files are put together once."""
    with pytest.MonkeyPatch.context() as patch:
        put_together_once(patch)
        yield


@pytest.fixture(scope="session")
def runtimes() -> Iterator[Iterator[str]]:
    """New paths in one folder, for runtime folders: sockets' paths are short."""
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        yield map(f"{folder}/{{}}".format, count())


@pytest.fixture(autouse=True)
def own_runtime(monkeypatch: pytest.MonkeyPatch, runtimes: Iterator[str]) -> str:
    """The runtime folder of a test's programs, which make it when they put a socket into it."""
    path = next(runtimes)
    monkeypatch.setenv("CARGO_RUNTIME_DIR", path)
    return path


@pytest.fixture
def runtime(own_runtime: str) -> str:
    """The runtime folder, made already."""
    os.mkdir(own_runtime, 0o700)
    return own_runtime


@pytest.fixture(scope="session")
def postgres() -> Iterator[RunningPostgres]:
    """A PostgreSQL, for tests with `fresh` databases."""
    try:
        with running() as server:
            yield server
    except MissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def fresh_postgres(postgres: RunningPostgres) -> Iterator[str]:
    """The address of a database with a server's tables."""
    with postgres.fresh() as address:
        yield address


@pytest.fixture(scope="session")
def remotes() -> Iterator[Remotes]:
    """Other people's servers: `remotes.get("swift")` starts one when it is first asked for."""
    with tempfile.TemporaryDirectory(prefix="cargo-remotes-") as folder:
        os.chmod(folder, 0o711)  # as `Remotes.get` does
        started = Remotes(Path(folder))
        try:
            yield started
        finally:
            started.close()
