"""A home of one's own, and answers as a person types them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cargo_sync.main import cargo_sync

Answer = Callable[..., Result]
"""Runs `cargo_sync init …` with the given arguments, and types the answers."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def answer() -> Answer:
    def answered(*args: str, typed: tuple[str, ...] = ()) -> Result:
        lines = "".join(f"{line}\n" for line in typed)
        return CliRunner().invoke(cargo_sync, ["init", *args], input=lines)

    return answered


def left(home: Path) -> list[str]:
    """The files below a folder."""
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
