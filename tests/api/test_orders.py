import pytest

from cargo_sync.api.messages import Refusal, Reply, Request
from cargo_sync.api.orders import encode_answer, parse_order


@pytest.mark.parametrize(
    ("raw", "request_", "answer"),
    [
        (b"START", Request("job.start"), b"RUNNING"),
        (b"START nightly", Request("job.start", {"job": "nightly"}), b"RUNNING"),
        (b"PAUSE my photos\n", Request("job.pause", {"job": "my photos"}), b"PAUSED"),
        (b"RELOAD caf\xc3\xa9", Request("job.reload", {"job": "café"}), b"RELOADED"),
        (b"LIST-JOBS", Request("job.list"), b'[{"name":"nightly"}]'),
    ],
)
def test_orders_and_their_answers(raw: bytes, request_: Request, answer: bytes) -> None:
    order = parse_order(raw)
    assert order is not None
    assert order.request == request_
    assert encode_answer(order, Reply("", {"jobs": [{"name": "nightly"}]})) == answer


@pytest.mark.parametrize(
    "raw",
    [b"", b"start", b"STARTED", b"START\xff", b"LIST-JOBS now", b"{}", b"START " + b"x" * 2000],
)
def test_what_is_no_order(raw: bytes) -> None:
    assert parse_order(raw) is None


def test_an_order_that_is_refused_is_told_in_words() -> None:
    order = parse_order(b"PAUSE nigthly")
    assert order is not None
    refusal = Refusal("unknown_job", 'there is no job "nigthly"', 'did you mean "nightly"?')
    assert encode_answer(order, Reply("", error=refusal)) == (
        b'ERROR: there is no job "nigthly" (did you mean "nightly"?)'
    )
