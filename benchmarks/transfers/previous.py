"""An older commit of this project, built beside it with an environment of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Build:
    """A build of this project.

    commit  its name, `-dirty` if files differ from it
    python  the interpreter that has it
    """

    commit: str
    python: str


def current() -> Build:
    """This one."""
    return Build(_git("describe", "--always", "--dirty", "--abbrev=10"), sys.executable)


@contextmanager
def built(commit: str) -> Iterator[Build]:
    """An older one, below a temporary folder; all of it is removed at the end.

    Raises:
        subprocess.CalledProcessError: there is no such commit, or it cannot be built.
    """
    name = _git("describe", "--always", "--abbrev=10", f"{commit}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="cargo-previous-") as folder:
        tree, venv = f"{folder}/tree", f"{folder}/venv"
        _git("worktree", "add", "--quiet", "--detach", tree, name)
        try:
            python = f"{venv}/bin/python"
            pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
            _run(sys.executable, "-m", "venv", venv)
            _run(*pip, "--require-hashes", "--no-deps", "-r", f"{tree}/requirements.lock")
            _run(*pip, "--no-deps", "--no-build-isolation", tree)
        finally:
            _git("worktree", "remove", "--force", tree)
        yield Build(name, python)


def _git(*words: str) -> str:
    return _run("git", "-C", str(PROJECT), *words).strip()


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
