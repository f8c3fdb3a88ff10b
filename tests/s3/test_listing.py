"""Lists: pages as columns, keys of any form, and lists that no server should send."""

from collections.abc import AsyncIterator

import pytest

from cargo_sync.model.problems import Code
from cargo_sync.s3.answers import MOST_ROWS
from cargo_sync.s3.errors import S3Error
from cargo_sync.s3.objects import ObjectPage, OpenUpload, VersionPage
from tests.s3.scripted import Say, Scripted, scripted, xml

AT = "2026-02-10T10:00:00.123Z"
AT_NS = 1_770_717_600_123 * 10**6


@pytest.fixture
async def far() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


def one(key: str, size: str = "5", at: str = AT) -> str:
    return (
        f"<Contents>\n <Key>{key}</Key><LastModified>{at}</LastModified><Owner><Key>no</Key>"
        f"</Owner><ETag>&quot;e1&quot;</ETag><Size>{size}</Size></Contents>\n"
    )


def listed(*parts: str, more: str = "") -> Say:
    going_on = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    return xml(
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>films</Name>'
        f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{going_on}{''.join(parts)}"
        "</ListBucketResult>"
    )


URL = "<EncodingType>url</EncodingType>"


async def test_pages_are_columns_and_keys_are_decoded(far: Scripted) -> None:
    folded = "<CommonPrefixes><Prefix>a%2Bc/</Prefix></CommonPrefixes>"
    far.say(
        listed(URL, one("a//b+c%2B%0D"), one("%FF"), folded, more="t/1"),
        listed(one("a100%25+"), one("ad")),
    )
    pages = [page async for page in far.s3.listing.objects("a", delimiter="/", start_after="0")]
    assert pages == [
        ObjectPage(["a//b c+\r"], [5], ["e1"], [AT_NS], ["a+c/"], ["%FF"]),
        ObjectPage(["a100%25+", "ad"], [5, 5], ["e1"] * 2, [AT_NS] * 2, [], []),
    ]
    common = "delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix=a"
    assert [asked.path for asked in far.asked] == [
        f"/films?{common}&start-after=0",
        f"/films?continuation-token=t%2F1&{common}",
    ]


@pytest.mark.parametrize(
    "what", [one("b/x"), "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"]
)
async def test_what_does_not_begin_as_it_was_asked_for_is_no_answer(
    far: Scripted, what: str
) -> None:
    far.say(listed(one("a/x"), what))
    with pytest.raises(S3Error) as caught:
        [page async for page in far.s3.listing.objects("a/")]
    assert caught.value.problem.code is Code.BAD_ANSWER


@pytest.mark.parametrize(
    "say",
    [
        listed(one("a", size="x")),
        listed(one("a", size="-1")),
        listed(one("a", size="9" * 30)),
        listed(one("a", at="yesterday")),
        listed(one("a", at="2026-02-10T10:00:00")),
        listed("<Contents/>" * (MOST_ROWS + 1)),
        xml("<html>It works</html>"),
        Say(body=b"It works"),
        Say(body=b"<ListBucketResult><IsTruncated>false</IsTruncated>"),
        Say(headers={"Content-Encoding": "gzip"}),
        Say(body=b"<!DOCTYPE a><ListBucketResult/>"),
    ],
)
async def test_what_is_no_list_is_refused(far: Scripted, say: Say) -> None:
    far.say(say)
    with pytest.raises(S3Error) as caught:
        [page async for page in far.s3.listing.objects()]
    assert caught.value.problem.code == Code.BAD_ANSWER
    assert len(far.asked) == 1


async def test_a_list_that_does_not_go_on_ends(far: Scripted) -> None:
    far.say(listed(one("a"), more="t"), listed(one("a"), more="t"))
    with pytest.raises(S3Error, match="does not go on"):
        [page async for page in far.s3.listing.objects()]


async def test_a_cut_page_is_asked_for_again(far: Scripted) -> None:
    whole = listed(one("a"))
    far.say(Say(body=whole.body[:200], cut=True), whole)
    assert [list(page.keys) async for page in far.s3.listing.objects()] == [["a"]]


async def test_versions_and_markers_stay_in_order(far: Scripted) -> None:
    far.say(
        xml(
            f"<ListVersionsResult>{URL}<IsTruncated>true</IsTruncated>"
            "<NextKeyMarker>a%20b</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker>"
            f"<DeleteMarker><Key>a%20b</Key><VersionId>2</VersionId><IsLatest>true</IsLatest>"
            f"<LastModified>{AT}</LastModified></DeleteMarker><Version><Key>a%20b</Key>"
            "<VersionId>1</VersionId><IsLatest>false</IsLatest><Size>7</Size><ETag>e</ETag>"
            f"<LastModified>{AT}</LastModified></Version></ListVersionsResult>"
        ),
        xml("<ListVersionsResult/>"),
    )
    first, second = [page async for page in far.s3.listing.versions("a")]
    assert first == VersionPage(
        ["a b"] * 2, ["2", "1"], [True, False], [True, False], [0, 7], ["", "e"], [AT_NS] * 2, []
    )
    assert second.keys == []
    assert far.asked[1].path.startswith("/films?encoding-type=url&key-marker=a%20b&max-keys")
    assert far.asked[1].path.endswith("prefix=a&version-id-marker=1&versions=")


async def test_open_uploads_are_told_page_by_page(far: Scripted) -> None:
    upload = f"<Upload><Key>a%2B</Key><UploadId>u</UploadId><Initiated>{AT}</Initiated></Upload>"
    far.say(
        xml(
            f"<ListMultipartUploadsResult>{URL}<IsTruncated>true</IsTruncated><NextKeyMarker>a%2B"
            f"</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>{upload}"
            "</ListMultipartUploadsResult>"
        ),
        xml("<ListMultipartUploadsResult/>"),
    )
    pages = [page async for page in far.s3.multipart.open_uploads("a")]
    assert pages == [[OpenUpload("a+", "u", AT_NS)], []]
    assert "key-marker=a%2B" in far.asked[1].path and "upload-id-marker=u" in far.asked[1].path
