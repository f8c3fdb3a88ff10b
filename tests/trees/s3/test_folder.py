"""A bucket as a folder, against a server that says what a test wants."""

from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import md5

import pytest

from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.s3.abilities import S3Abilities
from cargo_sync.s3.objects import ObjectHead
from cargo_sync.s3.requests import bare_etag
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.s3.entries import file_entry, mode_of, time_of
from cargo_sync.trees.s3.folder import S3Folder
from cargo_sync.trees.s3.known import KnownBucket
from cargo_sync.trees.s3.markers import Marker
from tests.s3.scripted import NOW, Say, Scripted, scripted, xml

GONE = Say(404)
HELLO = b"hello world"
MD5 = "5eb63bbbe01eeed093cb22bb8f5acdc3"
SEEN = Entry("dir", FOLDER, version=1)


@pytest.fixture
async def far() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


@pytest.fixture
async def folder(far: Scripted) -> AsyncIterator[S3Folder]:
    made = S3Folder(far.connection.login, "", far.connection.world)
    yield made
    await made.close()


async def unpaced(size: int) -> None:
    """Nothing waits."""


def listed(*keys: str, size: int = 1) -> Say:
    rows = "".join(
        f"<Contents><Key>{key}</Key><Size>{size}</Size><ETag>e</ETag>"
        "<LastModified>2026-02-10T10:00:00.000Z</LastModified></Contents>"
        for key in keys
    )
    return xml(f"<ListBucketResult>{rows}</ListBucketResult>")


async def told(folder: S3Folder) -> list[str]:
    return [one.path async for group in folder.walk() for one in group]


async def test_a_list_without_order_is_asked_for_folder_by_folder(
    far: Scripted, folder: S3Folder
) -> None:
    far.say(listed("a/x", "b/x", "a/y"))
    seen: list[str] = []
    with pytest.raises(ProblemError) as caught:
        async for group in folder.walk():
            seen += [one.path for one in group]
    assert caught.value.problem.code is Code.BAD_ANSWER
    assert not seen, "what lacks a file is not told"
    far.say(listed("z", "c"))
    assert await told(folder) == [""]
    assert "delimiter=%2F" in far.asked[-1].path


async def test_an_object_with_the_name_of_a_marker_keeps_its_content(
    far: Scripted, folder: S3Folder
) -> None:
    far.say(GONE, Say(headers={"ETag": '"e"', "Content-Length": "9"}))
    await folder.make("dir", 0o755)
    assert [one.method for one in far.asked] == ["HEAD", "HEAD"]
    far.say(listed("dir/", size=9))
    with pytest.raises(ProblemError) as caught:
        await folder.remove("dir", SEEN)
    assert caught.value.problem.code is Code.NOT_EMPTY


async def test_a_marker_is_put_and_removed(far: Scripted, folder: S3Folder) -> None:
    far.say(GONE, GONE, Say())
    await folder.make("dir", 0o755)
    far.say(listed("dir/", size=0), Say(204))
    await folder.remove("dir", SEEN)
    assert [(one.method, one.path) for one in far.asked[-1:]] == [("DELETE", "/films/dir/")]


@pytest.mark.parametrize(
    ("etag", "tells", "calls"),
    [
        (MD5, True, ["PUT"]),
        (MD5, False, ["PUT", "HEAD"]),
        ("e1", True, ["PUT", "HEAD"]),
        ("", True, ["PUT", "HEAD"]),
    ],
)
async def test_what_was_put_is_looked_at_unless_the_answer_has_its_md5(
    far: Scripted, folder: S3Folder, etag: str, tells: bool, calls: list[str]
) -> None:
    folder.known = KnownBucket(S3Abilities(put_if_absent=True, gives_md5=tells), Marker.SLASH)
    there = etag or "e1"
    far.say(Say(headers={"ETag": f'"{etag}"'}))
    far.say(Say(headers={"ETag": f'"{there}"', "Content-Length": str(len(HELLO))}))
    file = NewFile("dir/a", len(HELLO), 1_600_000_000 * 10**9, 0o640, "f" * 32, "ab" * 32)
    made = await folder.put(file, memoryview(HELLO), None, unpaced)
    assert made == file_entry("a", len(HELLO), there, int(NOW) * 10**9)
    assert [one.method for one in far.asked] == calls


async def test_a_path_that_no_key_can_be_is_refused_alone(folder: S3Folder) -> None:
    with pytest.raises(ProblemError) as caught:
        await folder.entry("a/" * 510 + "aaaaaa")
    assert caught.value.problem.code is Code.BAD_PATH
    assert not caught.value.problem.retry


@pytest.mark.parametrize(
    ("metadata", "mtime_ns", "mode"),
    [
        ({"cargo-mtime-ns": "1234", "cargo-mode": "640", "mtime": "9.5"}, 1_234, 0o640),
        ({"mtime": "1600000000.000000001"}, 1_600_000_000_000_000_001, None),
        ({"mtime": "-1.5"}, -1_500_000_000, None),
        ({"mtime": "soon", "cargo-mtime-ns": "9" * 19, "cargo-mode": "8"}, 7, None),
        ({}, 7, None),
    ],
)
def test_time_and_mode_are_those_that_were_stored(
    metadata: dict[str, str], mtime_ns: int, mode: int | None
) -> None:
    head = ObjectHead(1, "e", 7, metadata)
    assert (time_of(head), mode_of(head)) == (mtime_ns, mode)


async def test_a_hash_is_believed_of_the_same_object_alone(far: Scripted, folder: S3Folder) -> None:
    """So what was completed before a kill, and not recorded, is not sent again."""
    headers = OURS | {"ETag": f'"{SUM}"', "Content-Length": "5"}
    far.say(Say(headers=headers), Say(headers=headers))
    same = file_entry("a", 5, SUM, int(NOW) * 10**9)
    ours = KnownHash(HashKind.BLAKE3, "ab" * 32)
    assert await folder.hashes([("a", same)]) == [ours]
    assert await folder.hashes([("a", same._replace(version=7))]) == [None]
    far.say(GONE)
    assert await folder.hashes([("a", same)]) == [None]


SUM = md5(b"5 of it").hexdigest()
OURS = {"x-amz-meta-cargo-blake3": "ab" * 32, "x-amz-meta-cargo-md5": SUM}
OTHER = "0" * 32


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ETag": f'"{SUM}"'}, KnownHash(HashKind.MD5, SUM, certain=True)),
        ({"ETag": f'W/"{SUM.upper()}"'}, KnownHash(HashKind.MD5, SUM, certain=True)),
        ({"ETag": f'"{SUM}-12"'}, KnownHash(HashKind.MD5_OF_PARTS, f"{SUM}-12")),
        ({"ETag": f'"{SUM}-0"'}, None),
        ({"ETag": f'"{SUM}0"'}, None),
        ({}, None),
        ({"ETag": f'"{SUM}"', "x-amz-server-side-encryption": "aws:kms"}, None),
        (
            {"ETag": f'"{SUM}"', "x-amz-server-side-encryption-customer-algorithm": "AES256"},
            None,
        ),
        (
            {"ETag": f'"{SUM}"', "x-amz-server-side-encryption": "AES256"},
            KnownHash(HashKind.MD5, SUM, certain=True),
        ),
        # Some programs keep the metadata when they put something else there: ours, and rclone's.
        (OURS | {"ETag": f'"{OTHER}"'}, KnownHash(HashKind.MD5, OTHER, certain=True)),
        (OURS | {"ETag": f'"{OTHER}-2"'}, KnownHash(HashKind.MD5_OF_PARTS, f"{OTHER}-2")),
        (OURS | {"ETag": f'"{SUM}"', "x-amz-server-side-encryption": "aws:kms"}, None),
        (
            OURS | {"ETag": f'"{SUM}"', "x-amz-meta-cargo-blake3": "AB"},
            KnownHash(HashKind.MD5, SUM, certain=True),
        ),
        (
            {"ETag": f'"{OTHER}-2"', "x-amz-meta-md5chksum": b64encode(b"0" * 16).decode()},
            KnownHash(HashKind.MD5_OF_PARTS, f"{OTHER}-2"),
        ),
        # Of what we have sent in parts it is known how large they are, if there are as many.
        *(
            (
                {"ETag": f'"{SUM}-{count}"', "x-amz-meta-cargo-part": "2"},
                KnownHash(HashKind.MD5_OF_PARTS, f"{SUM}-{count}", count == 3, part),
            )
            for count, part in ((3, 2), (2, 0), (4, 0))
        ),
    ],
)
async def test_what_others_have_stored_has_a_hash_of_the_server(
    far: Scripted, folder: S3Folder, headers: dict[str, str], expected: KnownHash | None
) -> None:
    folder.known = KnownBucket(S3Abilities(gives_md5=True), Marker.SLASH)
    far.say(Say(headers=headers | {"Content-Length": "5"}))
    etag = bare_etag(headers.get("ETag", ""))
    seen = file_entry("a", 5, etag, int(NOW) * 10**9)
    assert await folder.hashes([("a", seen)]) == [expected]


async def test_an_unknown_server_may_give_what_looks_like_an_md5(
    far: Scripted, folder: S3Folder
) -> None:
    far.say(Say(headers={"ETag": f'"{SUM}"', "Content-Length": "5"}))
    seen = file_entry("a", 5, SUM, int(NOW) * 10**9)
    assert await folder.hashes([("a", seen)]) == [KnownHash(HashKind.MD5, SUM, certain=False)]
