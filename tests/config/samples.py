"""Small files for these tests, and what is wrong with them as lines."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.errors import ConfigError

NOW = 1_772_323_200.0
"""2026-03-01, unix seconds."""


def job(**changes: Any) -> dict[str, Any]:
    """A job file's content that is in order, with `changes`; a None takes the field out."""
    content = {
        "sync_name": "nightly",
        "sync_mode": "upload",
        "local_dir": "/tmp",
        "hostname": "https://files.example.org",
        "username": "ana",
        "password": "canary-7d1f",
        **changes,
    }
    return {key: value for key, value in content.items() if value is not None}


def write(folder: Path, content: Any, name: str = "file.json") -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
    path.chmod(0o600)
    return str(path)


def problems(load: Callable[[str, Mapping[str, str]], object], path: str, **env: str) -> list[str]:
    """What is wrong with the file, a line each, without its path and line numbers."""
    with pytest.raises(ConfigError) as caught:
        load(path, env)
    assert "canary" not in str(caught.value)
    assert all(problem.file == path for problem in caught.value.problems)
    return [
        f"{problem.field}: {problem.message}" + (f" ({problem.hint})" if problem.hint else "")
        for problem in caught.value.problems
    ]
