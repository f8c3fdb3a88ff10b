import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture
def runtime() -> Iterator[str]:
    """A runtime folder whose path is short enough for sockets, however long the test's name."""
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        yield folder
