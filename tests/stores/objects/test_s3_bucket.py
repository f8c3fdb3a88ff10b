"""A bucket over S3: answers of a server that are not what was asked for."""

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.stores.objects.s3_bucket import S3Bucket
from cargo_sync.stores.objects.watched import WatchedBucket
from tests.s3.scripted import ETAG, Say, scripted

KEY = "ab" * 16


@pytest.mark.parametrize(
    "answer",
    [
        Say(206, b"12", {**ETAG, "Content-Range": "bytes 2-3/4"}),
        Say(200, b"1234", ETAG),
        Say(416, b"", ETAG),
    ],
)
async def test_an_object_that_is_too_short_is_no_trouble_of_the_bucket(answer: Say) -> None:
    async with scripted() as far:
        bucket = WatchedBucket(S3Bucket(far.s3, "a/folder", lambda: 0.0))
        far.say(answer)
        with pytest.raises(ProblemError) as caught:
            await bucket.read(KEY, 2, 6)
        assert caught.value.problem.code is Code.BAD_RANGE and bucket.trouble is None
