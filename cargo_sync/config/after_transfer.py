"""What becomes of a source file after it was delivered: the field `after_transfer` of a job."""

import os
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationInfo

from cargo_sync.config import places
from cargo_sync.config.errors import quoted
from cargo_sync.config.shape import surroundings, wrong


@dataclass(frozen=True, slots=True)
class AfterTransfer:
    """What happens to a delivered source file. `move_to` as in JobSettings."""

    kind: Literal["keep", "delete", "move"]
    move_to: str | None = None


def read_after_transfer(value: Any, info: ValidationInfo) -> AfterTransfer:
    """The value of the field; the fields that it depends on are before it in the form.

    Raises:
        ValueError: it is not allowed, or not in this job.
    """
    match value:
        case "keep":
            return AfterTransfer("keep")
        case "delete":
            after = AfterTransfer("delete")
        case {"move": str(folder), **rest} if not rest:
            after = AfterTransfer("move", _move_to(folder, info))
        case _:
            raise ValueError(
                f"{quoted(value)} is not allowed"
                if isinstance(value, str)
                else "is not one of these"
            )
    if info.data.get("sync_mode") == "bidirectional":
        raise wrong(
            f'"{after.kind}" cannot be used in a job of both directions: '
            "a file that Cargo removed on one side would be removed on the other side, too"
        )
    if info.data.get("delete") == "propagate":
        raise wrong(
            f'"{after.kind}" cannot be used together with "delete": "propagate": '
            "a source file that Cargo removed would look like a file that somebody deleted"
        )
    return after


def _move_to(folder: str, info: ValidationInfo) -> str:
    """The folder for moved sources: relative to the source root, or (uploads) absolute."""
    root, mode = info.data.get("local_dir"), info.data.get("sync_mode")
    if folder.startswith(("/", "~")) and mode == "download":
        raise wrong("the folder is on the server: write it relative to remote_dir")
    if folder.startswith(("/", "~")):
        around = surroundings(info)
        path = places.local_path(folder, around.folder or "/", around.env)
        if root is None or not places.inside(path, root):
            _same_file_system(path, root)
            return places.not_reserved(path)
        folder = path[len(root) :]
    relative = places.remote_path(folder)
    if not relative:
        raise wrong("the folder to move to is the source folder itself")
    return relative


def _same_file_system(path: str, root: str | None) -> None:
    """Checks that a move is a rename. For a missing folder, the nearest folder above it counts."""
    if root is not None and os.path.isdir(root) and _device(path) != _device(root):
        raise wrong(f"{path} is on another file system than {root}: files can only be renamed")


def _device(path: str) -> int:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return os.stat(path).st_dev
