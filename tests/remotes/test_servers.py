"""Each server starts, greets, and says what it is."""

import re

import pytest

from tests.remotes.remotes import Remotes
from tests.remotes.servers import SERVERS


@pytest.mark.parametrize("name", [server.name for server in SERVERS])
def test_it_answers_says_its_version_and_has_places(remotes: Remotes, name: str) -> None:
    far = remotes.get(name)
    assert re.match(r"\d+\.\d+", far.version)
    one, another = far.place(), far.place()
    assert one.url != another.url
    for place in (one, another):
        assert place.stored is None or list(place.stored.iterdir()) == []


def test_a_server_that_was_killed_is_started_again_where_it_was(remotes: Remotes) -> None:
    far = remotes.get("rclone-webdav")
    before = repr(far)
    far.kill()
    assert not far.runs
    assert remotes.get("rclone-webdav") is far
    assert far.runs
    assert repr(far) == before
