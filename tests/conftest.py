import gc
import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import measured, stuck
from tests.new_states import NewStates
from tests.packed_pages import put_together_once
from tests.postgres.running import RunningPostgres, running
from tests.remotes.remotes import Remotes
from tests.remotes.server import MissingError
from tests.unsynced import leave_out_syncs

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


@pytest.fixture(autouse=True)
def no_waiting_for_a_disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a disk, except where a test is about that."""
    if request.node.get_closest_marker("synced") is None:
        leave_out_syncs(monkeypatch)


@pytest.fixture(scope="session")
def new_states(tmp_path_factory: pytest.TempPathFactory) -> NewStates:
    return NewStates(tmp_path_factory.mktemp("states"))


@pytest.fixture(autouse=True)
def copied_states(
    request: pytest.FixtureRequest, new_states: NewStates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state that a test makes is copied, except in the tests of the state."""
    if "tests/state/" not in request.node.nodeid:
        new_states.copied(monkeypatch)


@pytest.fixture(autouse=True)
def states_in_postgres(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CARGO_TEST_STATE=postgresql, the state of a server is there."""
    about_sqlite = request.node.get_closest_marker("sqlite") is not None
    if os.environ.get("CARGO_TEST_STATE") == "postgresql" and not about_sqlite:
        server: RunningPostgres = request.getfixturevalue("postgres")
        request.addfinalizer(server.instead(monkeypatch).close)


@pytest.fixture(autouse=True)
def packed_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's files are put together once."""
    put_together_once(monkeypatch)


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
