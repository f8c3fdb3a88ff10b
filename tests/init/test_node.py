"""`cargo_sync init node`: joins a server that runs, and writes a file that a node can use."""

import asyncio
import contextlib
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cargo_sync.api.invitation import Invitation, node_opening
from cargo_sync.config.node import load_node
from tests.init.conftest import Answer, left
from tests.server.house import House, living

TOKEN = "Zr0u5lXb8m2c1wq7TnKpLA"


@contextlib.asynccontextmanager
async def serving(tmp_path: Path) -> AsyncIterator[tuple[House, str]]:
    """A server, and an invitation for a node."""
    async with living(tmp_path / "server") as house:
        await house.pairing.invite("cellar", "house1", TOKEN, 3600.0)
        yield house, node_opening("cellar", f"http://127.0.0.1:{house.port}", "") + TOKEN


async def test_a_node_joins_and_its_file_is_ready(home: Path, answer: Answer) -> None:
    async with serving(home) as (house, line):
        (home / "invitation").write_text(line)
        given = ("--invite-file", "invitation", "--address", "cellar.lan", "--capacity", "2TB")
        done = await asyncio.to_thread(
            answer, "node", "--folder", "kept", "--port", "9445", *given, "--yes"
        )
        assert done.exit_code == 0, done.output
        [node] = house.nodes.all()
    file = home / "config" / "cargo_sync" / "node.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"Wrote {file}" in done.output and "cargo_sync node\n" in done.output
    settings = load_node(str(file), os.environ)
    assert (settings.name, settings.zone, settings.id) == ("cellar", "house1", node.id)
    assert (settings.directory, settings.capacity) == (str(home / "kept"), 2 * 10**12)
    assert (settings.host, settings.port, settings.lane_port) == ("0.0.0.0", 9445, 8446)
    assert settings.bearer == hashlib.sha256(node.secret.encode()).hexdigest()
    assert node.secret not in file.read_text() + done.output
    assert TOKEN not in file.read_text() + done.output
    assert (node.host, node.port, node.lane_port) == ("cellar.lan", 9445, 8446)


async def test_a_refused_node_leaves_nothing_behind(home: Path, answer: Answer) -> None:
    async with serving(home) as (house, line):
        (home / "invitation").write_text(line[:-1] + ("A" if line[-1] != "A" else "B"))
        before = left(home)
        refused = await asyncio.to_thread(
            answer, "node", "--invite-file", "invitation", "--folder", "kept", "--yes"
        )
        assert refused.exit_code == 1
        assert "was used already" in refused.output
        assert house.nodes.all() == []
        assert [path for path in left(home) if path not in before] == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_node_of_this_machine_is_not_open_to_others(
    home: Path, answer: Answer, address: str
) -> None:
    async with serving(home) as (_, line):
        (home / "invitation").write_text(line)
        given = ("--invite-file", "invitation", "--folder", "kept", "--address", address, "--yes")
        done = await asyncio.to_thread(answer, "node", *given)
    assert done.exit_code == 0, done.output
    assert load_node(str(home / "config" / "cargo_sync" / "node.json"), os.environ).host == address


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"cargo://ana@127.0.0.1:1#.{TOKEN}", "is for a user"),
        ("node+cargo://cellar@127.0.0.1:1#", "is not complete"),
        ("https://127.0.0.1:1", "is not an invitation (expected: node+cargo://"),
    ],
)
def test_another_line_is_no_invitation_for_a_node(
    home: Path, answer: Answer, line: str, words: str
) -> None:
    (home / "invitation").write_text(line)
    refused = answer("node", "--invite-file", "invitation", "--yes")
    assert refused.exit_code == 2 and words in refused.output
    assert TOKEN not in refused.output


def test_an_invitation_for_a_node_lets_no_user_in() -> None:
    line = node_opening("cellar", "https://127.0.0.1:1", "ab" * 32) + TOKEN
    with pytest.raises(ValueError, match="cargo_sync init node"):
        Invitation.parse(line)
    parsed = Invitation.parse_node(line)
    assert (parsed.user, parsed.url, parsed.fingerprint, parsed.token) == (
        "cellar", "https://127.0.0.1:1", "ab" * 32, TOKEN,
    )  # fmt: skip
