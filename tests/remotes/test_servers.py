"""Each server starts, greets, and says what it is."""

import re
import socket
from urllib.parse import urlsplit

import pytest

from tests.remotes.remotes import Remotes
from tests.remotes.servers import SERVERS
from tests.remotes.waiting import PATIENCE


@pytest.mark.parametrize("name", [server.name for server in SERVERS])
def test_it_answers_says_its_version_and_has_places(remotes: Remotes, name: str) -> None:
    far = remotes.get(name)
    assert re.match(r"\d+\.\d+", far.version)
    one, another = far.place(), far.place()
    assert one.url != another.url
    for place in (one, another):
        assert place.stored is None or list(place.stored.iterdir()) == []


@pytest.mark.parametrize("name", ["openssh", "vsftpd"])
def test_a_server_that_was_killed_drops_its_connections_and_is_started_again_where_it_was(
    remotes: Remotes, name: str
) -> None:
    """Both have a process for each connection."""
    far = remotes.get(name)
    at = urlsplit(far.place().url)
    with socket.create_connection((at.hostname, at.port), PATIENCE) as connection:
        assert connection.recv(1000)
        far.kill()
        assert not far.runs
        assert connection.recv(1000) == b""
    assert remotes.get(name) is far
    assert far.runs
    assert urlsplit(far.place().url).port == at.port
