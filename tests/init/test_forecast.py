"""What is said of a first run."""

import pytest

from cargo_sync.init.forecast import FileAmount, forecast
from cargo_sync.model.jobs import Mode

NONE, TWO, MANY = FileAmount(), FileAmount(2, 999), FileAmount(12_000, 3_400_000_000, more=True)
UP, DOWN, BOTH = Mode.UPLOAD, Mode.DOWNLOAD, Mode.BIDIRECTIONAL


@pytest.mark.parametrize(
    ("mode", "near", "far", "words"),
    [
        (UP, NONE, TWO, "sends nothing yet"),
        (UP, TWO, NONE, "sends 2 files, 999 B."),
        (UP, MANY, TWO, "sends at most more than 12,000 files, 3.4 GB"),
        (UP, TWO, TWO, "Where another version is on the server, it goes to the trash."),
        (DOWN, TWO, NONE, "brings nothing yet"),
        (DOWN, NONE, FileAmount(1, 5_000), "brings 1 file, 5.0 kB."),
        (DOWN, TWO, TWO, "Where another version is here, it goes to the trash."),
        (BOTH, NONE, NONE, "waits for files on either side"),
        (BOTH, TWO, NONE, "sends 2 files"),
        (BOTH, NONE, TWO, "brings 2 files"),
        (BOTH, TWO, TWO, "both are kept"),
    ],
)
def test_a_first_run(mode: Mode, near: FileAmount, far: FileAmount, words: str) -> None:
    assert words in forecast(mode, near, far)
