"""The page's files are put together once in a worker, not for each server that a test starts: that
takes longer than the rest of its start. `tests/api/test_page_files.py` puts them together itself,
and so do programs."""

import functools
import sys
from typing import Final

import pytest

from cargo_sync.api.page_files import page_files

_SERVER: Final = "cargo_sync.server.http.browsing.page"
_once = functools.cache(page_files)


def put_together_once(patch: pytest.MonkeyPatch) -> None:
    """From now on a server takes the files that another one has put together."""
    if _SERVER in sys.modules:  # else no test that was collected starts a server
        patch.setattr(sys.modules[_SERVER], "page_files", _once)
