from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import processes


@pytest.fixture
def place(tmp_path: Path) -> Iterator[processes.Place]:
    with processes.place(tmp_path) as one:
        yield one
