"""An invitation at a server: what it answers is never trusted."""

import time

import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.cargo.invitation import InvitedApi
from cargo_sync.trees.cargo.replies import DeviceReply
from tests.trees.cargo.answers import Answer, answering, ok, raw, refuse

MADE = {"user": "ana", "device": "laptop", "secret": "cargo-device-x"}


async def redeemed(answer: Answer) -> DeviceReply:
    async with answering(POST_invites_redeem=[answer]) as (login, heard):
        api = InvitedApi(login, time.monotonic)
        try:
            return await api.redeem("token", "laptop")
        finally:
            await api.close()
            assert heard.asked == ["POST /invites/redeem"]
            assert heard.bodies == [{"user": "ana", "token": "token", "device": "laptop"}]
            assert "Authorization" not in heard.headers[0]


async def test_a_device_is_made() -> None:
    made = await redeemed(ok(MADE))
    assert (made.device, made.secret) == ("laptop", "cargo-device-x")
    assert "cargo-device-x" not in repr(made)


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (refuse(401, "unauthorized", "used already"), "unauthorized", "another one"),
        (refuse(429, "throttled", "wait"), "throttled", "wait"),
        (ok(MADE | {"user": "eva"}), "bad_answer", "another user"),
        (ok(MADE | {"secret": "two\nlines"}), "bad_answer", "secret"),
        (ok(MADE | {"secret": "x" * 2_000}), "bad_answer", "secret"),
        (ok({}), "bad_answer", "user"),
        (raw(b"x" * 100_000), "bad_answer", "larger"),
        (raw(b"", 302, Location="http://elsewhere/"), "refused", "302"),
    ],
)
async def test_what_cannot_be_used(answer: Answer, code: str, words: str) -> None:
    with pytest.raises(ProblemError) as caught:
        await redeemed(answer)
    assert caught.value.problem.code == code
    assert words in str(caught.value.problem)
