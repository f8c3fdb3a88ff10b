from typing import Any

import pytest

from cargo_sync.config.events import EventSettings, read_events
from cargo_sync.config.relaxed import Raw, dotted
from cargo_sync.config.shape import SeveralError

URL = "https://api.example.org/{{ FILE_NAME }}"


def wrong(events: Any) -> list[str]:
    with pytest.raises(SeveralError) as caught:
        read_events(events)
    return [f"{dotted(getattr(error, 'place', ()))}: {error}" for error in caught.value.errors]


def test_every_variable_of_an_event_in_url_and_body() -> None:
    body = {
        "file": Raw("FILE_NAME"),
        "list": [Raw("AVG_RTT"), "{{LOST_FRAMES}} of {{ DURATION }}"],
        "n": 1,
    }
    events = {
        "onFinish": {"method": "post", "url": URL, "body": body},
        "onUpdate": {"method": "GET", "url": "http://10.0.0.1:80/{{PROGRESS}}?s={{ SPEED }}"},
        "onError": {"method": "UPDATE", "url": URL, "body": "{{ ERROR }}"},
        "onStart": {"method": "PUT", "url": URL, "body": Raw("TRANSFER_ID")},
    }
    assert read_events(events) == (
        EventSettings("onFinish", "POST", URL, body),
        EventSettings("onUpdate", "GET", "http://10.0.0.1:80/{{PROGRESS}}?s={{ SPEED }}"),
        EventSettings("onError", "UPDATE", URL, "{{ ERROR }}"),
        EventSettings("onStart", "PUT", URL, Raw("TRANSFER_ID")),
    )
    assert read_events({}) == ()


def test_all_that_is_wrong_is_named() -> None:
    events = {
        "onFinnish": {},
        "onStart": {"method": "POST", "url": "https://a/{{ ERROR }}", "bdy": 1},
        "onError": {"method": "PATCH", "url": 7},
        "onUpdate": [],
        "onFinish": {"body": {"{{ SPEED }}": [{"a": "{{ PROGRESS"}]}},
    }
    four = "FILE_NAME, TRANSFER_ID, SYNC_NAME, SYNC_MODE"
    assert wrong(events) == [
        'onFinnish: is not an event; did you mean "onFinish"?',
        'onStart.bdy: is not a field here; did you mean "body"?',
        "onStart.body: is missing: POST needs one",
        f"onStart.url: onStart has no variable ERROR; allowed are {four}",
        'onError.method: "PATCH" is not allowed; allowed are POST, GET, PUT, DELETE, UPDATE',
        "onError.url: must be text, not a number",
        "onUpdate: must be an object, not a list",
        "onFinish.method: is missing",
        "onFinish.url: is missing",
        "onFinish.body.{{ SPEED }}: onFinish has no variable SPEED; allowed are "
        f"{four}, AVG_SPEED, DURATION, LOST_FRAMES, AVG_RTT",
        "onFinish.body.{{ SPEED }}[0].a: has a {{ without its }}",
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{{ FILE_NAME|upper }}", "is not a name"),
        ('{{ "a"*10**9 }}', "is not a name"),
        ("{{ FILE_NAME.__class__ }}", "is not a name"),
        (Raw("FILE_NAME ~ 1"), "is not a name"),
        (Raw(""), "has no name"),
        ("{{ file_name }}", "has no variable file_name"),
        ("{% for x in y %}", "not {% or {#"),
        ("{# note #}", "not {% or {#"),
        ("{{ {{ FILE_NAME }}", "is not a name"),
    ],
)
def test_templates_are_names_only(value: Any, message: str) -> None:
    (line,) = wrong({"onStart": {"method": "PUT", "url": URL, "body": [value]}})
    assert line.startswith("onStart.body[0]: ") and message in line


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.org",
        "ftp://a/",
        "https:///x",
        "https://a:b/",
        "https://{{ FILE_NAME }}/",
        "{{FILE_NAME}}",
    ],
)
def test_a_callback_goes_to_a_fixed_host(url: str) -> None:
    (line,) = wrong({"onStart": {"method": "GET", "url": url}})
    assert line.startswith("onStart.url: m")  # must begin with … | may not contain a variable …


def test_not_an_object() -> None:
    with pytest.raises(ValueError, match="must be an object, not a list"):
        read_events([])


def test_headers_and_a_secret_are_taken_and_shown_by_nothing() -> None:
    fields = {
        "method": "GET",
        "url": " https://a/ ",
        "headers": {"X-Key": "canary-1"},
        "secret": "canary-2",
    }
    [event] = read_events({"onIdle": fields})
    assert (event.url, [name for name, _ in event.headers]) == ("https://a/", ["X-Key"])
    assert event.headers[0][1].reveal() == "canary-1"
    assert event.secret is not None and event.secret.reveal() == "canary-2"
    assert "canary" not in repr(event) and "canary" not in str(event.secret)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([], "onIdle.headers: must be an object of texts, not a list"),
        ({"X Y": "a"}, "onIdle.headers.X Y: is not the name of a header"),
        ({"": "a"}, "onIdle.headers.: is not the name of a header"),
        ({"host": "a"}, "onIdle.headers.host: is set by the request itself"),
        (
            {"Webhook-Id": "a"},
            "onIdle.headers.Webhook-Id: is set by the request itself",
        ),
        ({"X": 1}, "onIdle.headers.X: must be text, not a number"),
        ({"X": "canary\r\nY: 1"}, "onIdle.headers.X: may contain only printable ASCII characters"),
        ({"X": "canary é"}, "onIdle.headers.X: may contain only printable ASCII characters"),
        ({"X": "{{ ERROR }}"}, "onIdle.headers.X: may not contain a variable; url and body may"),
        (
            {"X": "1", "x": "2"},
            "onIdle.headers.x: is there twice; upper and lower case are the same",
        ),
    ],
)
def test_headers_that_cannot_be_sent(headers: Any, message: str) -> None:
    assert wrong({"onIdle": {"method": "GET", "url": "http://a/", "headers": headers}}) == [message]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_canary!", 7, None])
def test_secrets_that_sign_nothing(secret: Any) -> None:
    [line] = wrong({"onIdle": {"method": "GET", "url": "http://a/", "secret": secret}})
    assert line.startswith("onIdle.secret: ") and "canary" not in line
