"""`events` of a server's file."""

from typing import Any

import pytest

from cargo_sync.config.events import read_events, read_server_events
from cargo_sync.config.shape import SeveralError

GOOD = {"method": "POST", "url": "https://a.example/{{ USER }}", "body": {}}


def wrong(events: Any) -> list[str]:
    with pytest.raises(SeveralError) as caught:
        read_server_events(events)
    return [str(error) for error in caught.value.errors]


def test_events_with_paths() -> None:
    fields = GOOD | {"body": {"file": "{{ FILE_NAME }}"}, "paths": ["*.mov", "in"]}
    [event] = read_server_events({"onUploaded": fields})
    assert (event.event, event.paths) == ("onUploaded", ("*.mov", "in"))
    [event] = read_server_events({"onDeleted": GOOD | {"body": {"s": "{{ SIZE }}"}}})
    assert event.paths == ()


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ({"onFinish": GOOD}, "is not an event"),
        ({"onLogin": GOOD | {"paths": ["a"]}}, "is not a field here"),
        ({"onUploaded": GOOD | {"paths": "a"}}, "must be a list of texts"),
        ({"onUploaded": GOOD | {"paths": [1]}}, "must be text"),
        ({"onUploaded": GOOD | {"paths": ["/"]}}, "is empty"),
        ({"onDeleted": GOOD | {"body": "{{ AVG_SPEED }}"}}, "has no variable AVG_SPEED"),
    ],
)
def test_what_is_wrong_is_said(events: Any, says: str) -> None:
    [message] = wrong(events)
    assert says in message


def test_jobs_have_other_events() -> None:
    for events in ({"onUploaded": GOOD}, {"onFinish": GOOD | {"paths": ["a"]}}):
        with pytest.raises(SeveralError):
            read_events(events)
