"""Requests as they are sent, and their signature: the page's own code, and the standard's
example."""

import re
from pathlib import Path
from typing import Any

from cargo_sync.config.events import EventSettings, read_events
from cargo_sync.webhooks.message import host_of, message
from cargo_sync.webhooks.signature import signature

PAGE = Path(__file__).parents[2].joinpath("docs", "callbacks.md").read_text(encoding="utf-8")
[VERIFIED] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NOW = 1_800_000_000.9


def settings(**fields: Any) -> EventSettings:
    usual = {"method": "POST", "url": "https://api.example.org/x", "body": {"f": "{{ FILE_NAME }}"}}
    [event] = read_events({"onFinish": usual | fields})
    return event


def test_the_example_of_the_standard() -> None:
    # standardwebhooks.com, spec 1.0.0, "Signature scheme"; also in its libraries' own tests
    secret, id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert (
        signature(secret, id, 1614265330, b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_headers() -> None:
    plain = message(settings(), "msg_1", {"FILE_NAME": "a"}, NOW)
    assert plain.body == b'{"f":"a"}'
    assert plain.headers == {
        "Content-Type": "application/json", "webhook-id": "msg_1",
        "webhook-timestamp": "1800000000",
    }  # fmt: skip
    event = settings(headers={"content-type": "text/x", "X-Key": "canary-81"}, secret="canary-82")
    sent = message(event, "msg_1", {}, NOW)
    assert (sent.headers["content-type"], sent.headers["X-Key"]) == ("text/x", "canary-81")
    assert "Content-Type" not in sent.headers and sent.headers["webhook-signature"].startswith(
        "v1,"
    )
    assert "canary" not in repr((event, sent))
    bare = message(settings(method="GET", body=None), "msg_1", {}, NOW)
    assert bare.body is None and bare.headers.keys() == {"webhook-id", "webhook-timestamp"}


def test_the_code_of_the_page_verifies_what_is_sent() -> None:
    page: dict[str, Any] = {}
    exec(VERIFIED, page)
    verified = page["verified"]
    page["time"] = type("Time", (), {"time": staticmethod(lambda: NOW + 100)})
    for secret in ("plain text, é", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"):
        for body in ({"f": "{{ FILE_NAME }}"}, None):
            method = "POST" if body else "GET"
            event = settings(secret=secret, method=method, body=body)
            sent = message(event, "msg_1", {"FILE_NAME": "é"}, NOW)
            content = sent.body or b""
            assert verified(secret, sent.headers, content)
            assert not verified("another", sent.headers, content)
            assert not verified(secret, sent.headers, content + b" ")
            assert not verified(secret, sent.headers | {"webhook-id": "msg_2"}, content)
            assert not verified(secret, sent.headers, content, tolerance=99)


def test_what_fails_together() -> None:
    assert host_of(settings()) == "api.example.org:443"
    assert host_of(settings(url="http://10.0.0.1/{{ FILE_NAME }}")) == "10.0.0.1:80"
    assert host_of(settings(url="http://[::1]:81/")) == "::1:81"
