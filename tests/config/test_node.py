"""The file of a storage node."""

import json
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.node import LANE_PORT, PORT, load_node

LEAST: dict[str, Any] = {
    "name": "cellar",
    "directory": "kept",
    "coordinator": {"node": 3, "bearer_sha256": "ab" * 32},
}


def problems(tmp_path: Path, **more: Any) -> list[str]:
    file = tmp_path / "node.json"
    file.write_text(json.dumps({key: value for key, value in (LEAST | more).items() if value}))
    with pytest.raises(ConfigError) as refused:
        load_node(str(file), {"HOME": str(tmp_path)})
    return [f"{one.field}: {one.message}" for one in refused.value.problems]


def test_the_least(tmp_path: Path) -> None:
    file = tmp_path / "node.json"
    file.write_text(json.dumps(LEAST))
    node = load_node(str(file), {"HOME": str(tmp_path)})
    assert (node.name, node.id, node.zone, node.capacity) == ("cellar", 3, "", None)
    assert (node.directory, node.port, node.lane_port) == (str(tmp_path / "kept"), PORT, LANE_PORT)
    assert node.state_dir == str(tmp_path / ".local/state/cargo_sync/node")
    assert (node.scrub.rate, node.scrub.period) == (80_000_000, 30 * 86_400)
    assert node.bearer not in repr(node)


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path, coordinator=None) == ["coordinator: is missing"]
    wrong = {"node": 3, "bearer_sha256": "no"}
    assert problems(tmp_path, coordinator=wrong) == [
        "coordinator.bearer_sha256: is not a SHA-256 fingerprint"
    ]
    assert problems(tmp_path, scrub={"rate": "fast"}) == ['scrub.rate: "fast" is not a speed']
    for state in ("kept", "kept/state", "."):
        [problem] = problems(tmp_path, state_dir=state)
        assert problem.startswith("state_dir: ") and problem.endswith("overlap")
