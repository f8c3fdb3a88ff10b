from pathlib import Path

import pytest

from tests.many_servers.standby import FleetWithStandby
from tests.remotes.server import MissingError


@pytest.fixture
def fleet(tmp_path: Path) -> FleetWithStandby:
    """Two servers that are not started yet; skips where a program of theirs is missing."""
    try:
        return FleetWithStandby(tmp_path, 2, "rclone-s3")
    except MissingError as missing:
        pytest.skip(str(missing))
