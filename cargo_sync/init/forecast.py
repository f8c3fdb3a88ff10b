"""What a first run would do, in words. Pure."""

from dataclasses import dataclass

from cargo_sync.model.jobs import Mode


@dataclass(frozen=True, slots=True)
class FileAmount:
    """The files of one side, and their bytes; `more` if not all could be counted in time."""

    files: int = 0
    bytes: int = 0
    more: bool = False

    def __str__(self) -> str:
        files = "1 file" if self.files == 1 else f"{self.files:,} files"
        return ("more than " if self.more else "") + f"{files}, {_size(self.bytes)}"


def forecast(mode: Mode, near: FileAmount, far: FileAmount) -> str:
    """What the first run of a job does, as sentences.

    Args:
        mode: of the job.
        near: what is in the local folder.
        far: what is in the folder on the server.
    """
    if mode is Mode.BIDIRECTIONAL:
        return _both(near, far)
    source, other = (near, far) if mode is Mode.UPLOAD else (far, near)
    verb, there = ("sends", "on the server") if mode is Mode.UPLOAD else ("brings", "here")
    if not source.files:
        return f"The first run {verb} nothing yet: it waits for files."
    if not other.files:
        return f"The first run {verb} {source}."
    return (
        f"The first run {verb} at most {source}: what is {there} already stays as it is.\n"
        f"Where another version is {there}, it goes to the trash. Nothing is deleted."
    )


def _both(near: FileAmount, far: FileAmount) -> str:
    if not (near.files or far.files):
        return "The first run does nothing yet: it waits for files on either side."
    if not far.files:
        return f"The first run sends {near}."
    if not near.files:
        return f"The first run brings {far}."
    return (
        "The first run copies to each side what only the other one has. Nothing is deleted: where\n"
        "the two have different versions of a file, both are kept."
    )


def _size(count: float) -> str:
    if count < 1000:
        return f"{int(count)} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.95:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"
