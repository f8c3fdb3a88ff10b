"""First contact with somebody else's server, on which other programs have stored what is here."""

from dataclasses import replace
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.model.jobs import Mode
from cargo_sync.model.known_hashes import HashKind
from cargo_sync.testing.remote_server import MemoryServer
from tests.conformance.remotes import KINDS
from tests.engine.test_remote_runs import RemoteSystem

SECOND = 10**9


class Contact(RemoteSystem):
    """A server that knows the MD5 of what anybody has stored there."""

    def __init__(self, state: Path, kind: str, mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(KINDS, kind, replace(KINDS[kind], digests=(HashKind.MD5,)))
        super().__init__(state, kind, mode, propagate=True, guard=None)

    @property
    def read(self) -> list[str]:
        return [path for call, path in self.server.calls if call == "read"]

    def hashes(self) -> dict[str, str]:
        """What was agreed on, by path."""
        [state] = self.memory.folders.below("")
        return {row.name: row.hash for row in state.base or ()}


def fill(system: Contact, server: MemoryServer) -> None:
    for number in range(40):
        content = b"%d" % number * 1_000
        system.near.write(f"{number:02}", content, SECOND)
        server.write(f"{number:02}", content, SECOND)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", list(Mode))
async def test_what_is_equal_is_neither_read_nor_sent_and_its_hash_is_known(
    tmp_path: Path, kind: str, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = Contact(tmp_path, kind, mode, monkeypatch)
    fill(system, system.server)
    await system.settled()
    assert system.read == [] and system.server.sent == 0
    expected = {name: blake3(content).hexdigest() for name, content in system.near.files().items()}
    assert system.hashes() == expected
    system.database.close()


@pytest.mark.parametrize("mode", list(Mode))
async def test_what_differs_is_found(
    tmp_path: Path, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = Contact(tmp_path, "bucket", mode, monkeypatch)
    fill(system, system.server)
    system.near.write("07", b"near" * 500, 2 * SECOND)
    system.server.write("07", b"far!" * 500, 2 * SECOND)
    await system.settled()
    there = system.server.files()
    match mode:
        case Mode.UPLOAD:
            assert (there["07"], system.read) == (b"near" * 500, [])
        case Mode.DOWNLOAD:
            assert (there["07"], system.read) == (b"far!" * 500, ["07"]), "read once: to be stored"
        case Mode.BIDIRECTIONAL:
            assert {b"near" * 500, b"far!" * 500} <= set(there.values()), "a conflict keeps both"
            assert set(system.read) == {"07"}
    system.database.close()
