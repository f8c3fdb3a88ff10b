"""The counters of a run: plain numbers that the engine writes and others read at any time."""

from dataclasses import dataclass


@dataclass(slots=True)
class Progress:
    """The counters of one run. Totals grow during the survey."""

    files_total: int = 0
    bytes_total: int = 0
    files_done: int = 0
    bytes_done: int = 0

    def planned(self, files: int, size: int) -> None:
        self.files_total += files
        self.bytes_total += size

    def done(self, files: int, size: int) -> None:
        self.files_done += files
        self.bytes_done += size
