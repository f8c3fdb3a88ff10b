import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.api.messages import (
    BadMessage,
    FeedMessage,
    Principal,
    Refusal,
    Reply,
    ReplyCode,
    Request,
    encode_feed,
    encode_reply,
    encode_request,
    parse_feed,
    parse_reply,
    parse_request,
)
from cargo_sync.api.roles import Role

REQUEST = b'{"v":1,"id":"7","cmd":"job.pause","args":{"job":"nightly"}}'


def test_a_request_there_and_back() -> None:
    request = Request("job.pause", {"job": "nightly"}, "7")
    assert encode_request(request) == REQUEST
    assert parse_request(REQUEST) == request


def test_a_request_that_is_sent_for_a_person() -> None:
    raw = b'{"v":1,"id":"7","cmd":"status","args":{},"for":{"name":"ana","role":"watch"}}'
    request = Request("status", {}, "7", Principal("ana", Role.WATCH))
    assert encode_request(request) == raw
    assert parse_request(raw) == request


@pytest.mark.parametrize(
    "person",
    [
        b"null",
        b'"ana"',
        b"{}",
        b'{"name":"ana"}',
        b'{"name":"ana","role":"plain"}',
        b'{"name":"ana","role":"root"}',
        b'{"name":"ana","role":["watch"]}',
        b'{"name":"","role":"watch"}',
        b'{"name":"a\\nb","role":"watch"}',
        b'{"name":"' + b"x" * 65 + b'","role":"watch"}',
        b'{"name":"ana","role":"watch","uid":0}',
    ],
)
def test_a_person_that_is_none(person: bytes) -> None:
    with pytest.raises(BadMessage, match='"for" must be an object with the name') as caught:
        parse_request(b'{"id":"7","cmd":"status","for":' + person + b"}")
    assert (caught.value.code, caught.value.id) == ("bad_message", "7")


def test_only_the_command_is_required() -> None:
    assert parse_request(b'{"cmd":"status"}') == Request("status")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "bad_message '': this is not JSON"),
        (b"\x00\xff", "bad_message '': this is not JSON"),
        (b"[" * 100_000, "bad_message '': this is not JSON"),
        (b"[]", "bad_message '': this is JSON, but not an object"),
        (b'{"id":"7"}', "bad_message '7': \"cmd\" must be the name of a command"),
        (b'{"id":"7","cmd":""}', "bad_message '7': \"cmd\" must be the name of a command"),
        (
            b'{"id":"7","cmd":"' + b"x" * 65 + b'"}',
            "bad_message '7': \"cmd\" must be the name of a command",
        ),
        (b'{"id":"7","cmd":"status","args":[]}', "bad_message '7': \"args\" must be an object"),
        (b'{"id":"7","cmd":"status","arg":{}}', "bad_message '7': unknown field \"arg\""),
        (
            b'{"id":7,"cmd":"status"}',
            "bad_message '': \"id\" must be text of at most 128 characters",
        ),
        (b'{"id":"7","v":2,"cmd":"status"}', "unsupported_version '7': \"v\" must be 1"),
        (b'{"id":"7","v":true,"cmd":"status"}', "unsupported_version '7': \"v\" must be 1"),
    ],
)
def test_what_is_no_request_says_why(raw: bytes, said: str) -> None:
    with pytest.raises(BadMessage) as caught:
        parse_request(raw)
    assert f"{caught.value.code} {caught.value.id!r}: {caught.value.message}".startswith(said)


def test_replies_there_and_back() -> None:
    good = Reply("7", {"run": "a1"})
    assert encode_reply(good) == b'{"v":1,"id":"7","ok":true,"result":{"run":"a1"}}'
    assert parse_reply(encode_reply(good)) == good
    bad = Reply(
        "7", error=Refusal(ReplyCode.UNKNOWN_JOB, 'there is no job "x"', 'did you mean "y"?')
    )
    assert encode_reply(bad) == (
        b'{"v":1,"id":"7","ok":false,"error":{"code":"unknown_job",'
        b'"message":"there is no job \\"x\\"","hint":"did you mean \\"y\\"?"}}'
    )
    assert parse_reply(encode_reply(bad)) == bad


def test_a_name_that_is_no_text_is_written_with_backslashes() -> None:
    assert encode_reply(Reply("", {"paths": ["caf\udce9"], "\udcff": 1})) == (
        b'{"v":1,"id":"","ok":true,"result":{"paths":["caf\\\\udce9"],"\\\\udcff":1}}'
    )


def test_what_json_cannot_hold_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        encode_reply(Reply("", {"handle": object()}))


def test_feed_messages_there_and_back() -> None:
    message = FeedMessage(
        "notice/a/", "notice", "e1", 3, 12.5, {"kind": "moved", "paths": ["x"]}, 9, True
    )
    raw = encode_feed(message)
    assert raw == (
        b'{"v":1,"epoch":"e1","seq":3,"time":12.5,"type":"notice","cursor":9,"replay":true,'
        b'"kind":"moved","paths":["x"]}'
    )
    assert parse_feed(b"notice/a/", raw) == message


def test_a_field_may_not_pass_for_the_header() -> None:
    with pytest.raises(ValueError, match="seq"):
        encode_feed(FeedMessage("status/", "status", "e1", 1, 0.0, {"seq": 2}))


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_a_bad_message(raw: bytes) -> None:
    for parse in (parse_request, parse_reply, lambda raw: parse_feed(raw, raw)):
        try:
            parse(raw)
        except BadMessage as error:
            assert error.message


def test_mutated_messages_parse_or_are_a_bad_message() -> None:
    rng = random.Random(2)
    feed = encode_feed(FeedMessage("status/", "status", "e1", 1, 0.5, {"state": "synced"}, 1))
    for _ in range(2_000):
        for seed in (REQUEST, encode_reply(Reply("7", {"a": [1, None]})), feed):
            raw = bytearray(seed)
            for _ in range(rng.randint(1, 4)):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
            for parse in (parse_request, parse_reply, lambda raw: parse_feed(b"status/", raw)):
                try:
                    parse(bytes(raw))
                except BadMessage as error:
                    assert error.message
