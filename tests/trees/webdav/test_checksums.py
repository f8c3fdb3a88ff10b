"""Checksums of ownCloud and its like: as they are written, and as they are asked for."""

from hashlib import md5, sha1

import pytest
from aiohttp import web

from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.trees.webdav.checksums import known_hash
from tests.trees.webdav.test_traps import CONTENT, X, server

MD5, SHA1 = md5(CONTENT).hexdigest(), sha1(CONTENT).hexdigest()
OF_MD5, OF_SHA1 = (
    KnownHash(HashKind.MD5, MD5), KnownHash(HashKind.SHA1, SHA1)
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"MD5:{MD5}", OF_MD5),
        (f"SHA1:{SHA1} MD5:{MD5} ADLER32:0123abcd", OF_SHA1),
        (f"ADLER32:0123abcd md5:{MD5.upper()}", OF_MD5),
        (f"SHA1:{SHA1[:-1]} MD5:{MD5}", OF_MD5),
        (f"SHA1:{SHA1[:-1]}g", None),
        ("SHA3-256:00", None),
        ("", None),
    ],
)
def test_the_best_of_a_list(text: str, expected: KnownHash | None) -> None:
    assert known_hash(text) == expected


def told(own: str, etag: str = "e") -> web.Response:
    """An answer about X, with properties of ownCloud; what the server does not know comes too."""
    return web.Response(
        status=207,
        text='<d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:response>'
        f"<d:href>/dav/x</d:href><d:propstat><d:prop><d:getetag>{etag}</d:getetag>"
        f"<d:getcontentlength>{len(CONTENT)}</d:getcontentlength>{own}</d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat><d:propstat><d:prop><oc:tags>MD5:0"
        "</oc:tags><oc:checksums/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status>"
        "</d:propstat></d:response></d:multistatus>",
    )


def sums(text: str) -> str:
    return f"<oc:checksums><oc:checksum>{text}</oc:checksum></oc:checksums>"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([told(sums(f"MD5:{MD5}")), told(sums(f"SHA1:{SHA1} MD5:{MD5}"))], [OF_MD5, OF_SHA1]),
        # As rclone writes it, and a file of another version.
        (
            [told(f"<oc:checksums>MD5:{MD5}</oc:checksums>"), told(sums(f"MD5:{MD5}"), "other")],
            [OF_MD5, None],
        ),
        # Nextcloud has none of many files.
        ([told("<oc:id>7</oc:id>"), told(sums(f"SHA1:{SHA1}"))], [None, OF_SHA1]),
        ([told("")], [None, None]),  # other servers are not asked again
        ([404, told(sums(f"MD5:{MD5}"))], [None, OF_MD5]),
    ],
)
async def test_a_checksum_is_of_what_was_seen(
    answers: list[web.Response | int], expected: list[KnownHash | None]
) -> None:
    count = len(answers)
    async with server({"PROPFIND x": answers}) as (folder, asked):
        assert await folder.hashes([("x", X), ("x", X)]) == expected
        assert await folder.hashes([]) == []
    assert asked == ["PROPFIND x"] * count
