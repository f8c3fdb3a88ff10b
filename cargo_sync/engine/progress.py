"""How far a run has come: plain numbers that the engine writes and whoever watches samples."""

from dataclasses import dataclass


@dataclass(slots=True)
class Progress:
    """One run's counters. Totals grow while the survey goes on."""

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
