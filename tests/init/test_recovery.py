"""`cargo_sync server --recover-from-nodes`: what it asks, and what it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.main import cargo_sync
from tests.stores.snapshots.lost import KEY, LostServer, ToldNode


class Dialled:
    """Stands in for `HttpsNode`."""

    def __init__(self, lost: LostServer) -> None:
        self.lost = lost
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int, key: RecoveryKey, pin: str) -> ToldNode:
        assert key == KEY
        self.asked.append((host, port))
        return self.lost.nodes.get(host, ToldNode(host, is_away=True))


@pytest.fixture
def dialled(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dialled]:
    lost = LostServer(home)
    lost.snapshot("a")
    found = Dialled(lost)
    monkeypatch.setattr("cargo_sync.init.recovery.HttpsNode", found)
    yield found
    lost.database.close()


def recover(*options: str, typed: str = "") -> Result:
    return CliRunner().invoke(cargo_sync, ["server", "--recover-from-nodes", *options], input=typed)


def test_a_person_is_asked_and_told(home: Path, dialled: Dialled) -> None:
    wrong = str(KEY)[:-1] + "0"
    done = recover(typed=f"{wrong}\n{KEY}\na\n")
    assert done.exit_code == 0, done.output
    assert "a letter or digit of it is wrong" in done.output and str(KEY) not in done.output
    assert "The server is back as it was on 2023-11-1" in done.output
    assert "cargo_sync server\n" in done.output
    assert (home / "config" / "cargo_sync" / "server.json").exists()
    assert dialled.asked == [("a", 8445), ("a", 8445), ("b", 8445), ("c", 8445)]


def test_nothing_is_asked_if_all_is_given(home: Path, dialled: Dialled) -> None:
    (home / "key").write_text(f"{KEY}\n")
    file = home / "other.json"
    done = recover("--node", "x:9", "--node", "a", "--key-file", "key", "--config", str(file))
    assert done.exit_code == 0, done.output
    assert file.exists() and f"cargo_sync server --config {file}" in done.output
    assert "x is away" in done.output  # it may have a newer one
    assert dialled.asked[:2] == [("x", 9), ("a", 8445)]
    again = recover("--node", "a", "--key-file", "-", typed=str(KEY).lower())
    assert again.exit_code == 1 and "is not empty" in again.output


@pytest.mark.parametrize(
    ("options", "typed", "says"),
    [
        (("--node", "a", "--key-file", "-"), "no key", "is not a recovery key"),
        (("--node", "a", "--key-file", "missing"), "", "cannot be read"),
        (("--node", "a:0", "--key-file", "-"), f"{KEY}", "no port"),
        (("--node", "a b", "--key-file", "-"), f"{KEY}", "not a host name"),
        (("--node", "away", "--key-file", "-"), f"{KEY}", "is away"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    home: Path, dialled: Dialled, options: tuple[str, ...], typed: str, says: str
) -> None:
    refused = recover(*options, typed=typed)
    assert refused.exit_code in (1, 2) and says in refused.output
    assert not (home / "config" / "cargo_sync" / "server.json").exists()


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [("[::1]:9", "::1", 9), ("::1", "::1", 8445), ("[::1]", "::1", 8445), ("h.lan:1", "h.lan", 1)],
)
def test_addresses(dialled: Dialled, given: str, host: str, port: int) -> None:
    recover("--node", given, "--key-file", "-", typed=f"{KEY}")
    assert dialled.asked == [(host, port)]


def test_its_options_belong_to_it(home: Path) -> None:
    refused = CliRunner().invoke(cargo_sync, ["server", "--node", "a"])
    assert refused.exit_code == 2 and "belong to --recover-from-nodes" in refused.output
