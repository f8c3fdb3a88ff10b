"""What a user reads who has one folder of a workspace: nothing names what is above it. Pure."""

import re
from dataclasses import replace
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.problems import Problem

_ITSELF: Final = "the folder"
_TRASH: Final = re.escape(f"{paths.RESERVED}/trash")


class SubfolderWording:
    """Messages and places of a workspace, as the user of `folder` reads them.

    All our messages quote paths as `repr` does.
    """

    def __init__(self, folder: str) -> None:
        self._start = folder + "/"
        swaps: dict[str, str] = {}
        for above in paths.upwards(folder):
            for written in _written(above):
                swaps |= {f"{quote}{written}{quote}": _ITSELF for quote in "'\""}
        for written in _written(folder):
            swaps |= {f"{quote}{written}/": quote for quote in "'\""}
        self._swaps = tuple(swaps.items())
        written = "|".join(map(re.escape, _written(folder)))
        self._trashed = re.compile(rf"""(['"]{_TRASH}/[^/'"]+/)(?:{written})/""")

    def text(self, message: str) -> str:
        """A message."""
        for ours, theirs in self._swaps:
            message = message.replace(ours, theirs)
        return self._trashed.sub(r"\1", message)

    def path(self, path: str) -> str:
        """A path of the workspace; "" for one that is not below the folder."""
        return path.removeprefix(self._start) if path.startswith(self._start) else ""

    def place(self, place: str) -> str:
        """A place in the trash, `.cargo_sync/trash/RUN/PATH`."""
        own, trash, run, path = (*place.split("/", 3), "", "", "")[:4]
        return f"{own}/{trash}/{run}/{self.path(path)}" if path.startswith(self._start) else ""

    def problem(self, problem: Problem) -> Problem:
        return replace(
            problem,
            message=self.text(problem.message),
            hint=self.text(problem.hint),
            path=self.path(problem.path),
        )


def _written(path: str) -> set[str]:
    """A path as messages quote it: an apostrophe is escaped only beside quotation marks."""
    escaped = repr("\"'" + path)[4:-1]
    return {escaped, escaped.replace("\\'", "'")}
