"""A bucket over S3: answers of a server that are not what was asked for."""

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.stores.objects.s3_bucket import S3Bucket
from cargo_sync.stores.objects.watched import WatchedBucket
from tests.remotes.remotes import Remotes
from tests.remotes.servers import wanted
from tests.s3.scripted import ETAG, Say, error, scripted, xml
from tests.stores.objects.house import bucket_on

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


_SIZE = {"Content-Length": "4", **ETAG}


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([Say(404), error("NoSuchKey", 404)], Code.VANISHED),
        ([Say(404), xml("<ListPartsResult/>")], Code.REFUSED),
        ([Say(200, b"", _SIZE)], Code.REFUSED),  # it was put together all the same
    ],
)
async def test_an_upload_that_ceph_does_not_know_is_lost_and_not_waited_for(
    answers: list[Say], code: Code
) -> None:
    """Ceph 16 answers 500 when such an upload is to be put together, and goes on to."""
    async with scripted() as far:
        bucket = WatchedBucket(S3Bucket(far.s3, "a/folder", lambda: 0.0))
        far.say(error("InternalError", 500), *answers)
        with pytest.raises(ProblemError) as caught:
            await bucket.complete(KEY, "an upload", ["e1"])
        assert caught.value.problem.code is code and not far.script
        assert (bucket.trouble is None) == (code is Code.VANISHED)


@pytest.mark.parametrize("name", wanted("rclone-s3", "swift", "ceph"))
async def test_real_servers_say_that_an_upload_is_lost(name: str, remotes: Remotes) -> None:
    bucket = bucket_on(remotes.get(name))
    upload = await bucket.begin(KEY)
    checksum = bucket.new_sum()
    checksum.update(b"1234")
    etag = await bucket.part(KEY, upload, 1, memoryview(b"1234"), checksum)
    await bucket.abort(KEY, upload)
    with pytest.raises(ProblemError) as caught:
        await bucket.complete(KEY, upload, [etag])
    assert caught.value.problem.code is Code.VANISHED
    await bucket.aclose()
