"""What people and programs are told of a refusal."""

import pytest

from cargo_sync.model.problems import Code
from cargo_sync.s3.errors import S3Error, S3Refusal, refused

NOW = 1_770_717_600.0
LATER = "Tue, 10 Feb 2026 12:30:00 GMT"
CLOCKS = "here it is 2026-02-10 10:00:00 UTC, on the server 2026-02-10 12:30:00 UTC"


def told(status: int, code: str = "", *, headers: dict[str, str], **fields: str) -> S3Error:
    known = {"Code": code, **fields} if code else fields
    return refused(S3Refusal("it could not be read", "host:1", status, headers, known, NOW))


@pytest.mark.parametrize(
    ("status", "code", "fields", "headers", "problem", "words"),
    [
        (404, "NoSuchKey", {}, {}, Code.VANISHED, "it is not there"),
        (404, "", {}, {}, Code.VANISHED, "it is not there"),
        (404, "NoSuchBucket", {}, {}, Code.ROOT_GONE, "check the name of the bucket"),
        (403, "SignatureDoesNotMatch", {}, {}, Code.UNAUTHORIZED, "password its secret"),
        (403, "AccessDenied", {}, {}, Code.REFUSED, "may not do this"),
        (403, "", {}, {"Date": "Tue, 10 Feb 2026 10:10:00 GMT"}, Code.REFUSED, "or its secret"),
        (403, "", {}, {"Date": LATER}, Code.REFUSED, CLOCKS),
        (
            403,
            "RequestTimeTooSkewed",
            {"ServerTime": "2026-02-10T12:30:00Z"},
            {},
            Code.REFUSED,
            CLOCKS,
        ),
        (403, "RequestTimeTooSkewed", {"ServerTime": "?"}, {}, Code.REFUSED, "clocks of both"),
        (301, "", {}, {"x-amz-bucket-region": "eu-west-1"}, Code.BAD_SETTINGS, '"eu-west-1"'),
        (
            400,
            "AuthorizationHeaderMalformed",
            {"Region": "eu-west-1"},
            {},
            Code.BAD_SETTINGS,
            '"region": "eu-west-1"',
        ),
        (501, "NotImplemented", {}, {}, Code.UNSUPPORTED, "does not do that"),
        (507, "", {}, {}, Code.OVER_QUOTA, "no room"),
        (400, "Odd", {"Message": "a\nb\x1b[1m" + "x" * 400}, {}, Code.REFUSED, "400: a b [1mxxx"),
    ],
)
def test_a_refusal_says_what_to_do(
    status: int,
    code: str,
    fields: dict[str, str],
    headers: dict[str, str],
    problem: Code,
    words: str,
) -> None:
    error = told(status, code, headers=headers | {"x-amz-request-id": "r1"}, **fields)
    assert error.problem.code == problem
    assert words in str(error) and "host:1" in str(error)
    assert (error.server_code, error.status, error.request_id) == (code, status, "r1")
    assert len(str(error)) < 500 and str(error).isprintable()


def test_only_what_may_help_is_tried_again() -> None:
    again = {status for status in range(300, 600) if told(status, headers={}).again}
    assert again == {408, 409, 429, 500, 502, 503, 504}
    assert not told(500, headers={}).undone and told(503, headers={}).undone
    assert told(503, headers={"Retry-After": "12"}).wait == 12
    assert told(503, headers={"Retry-After": LATER}).wait == 0
