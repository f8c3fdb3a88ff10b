"""The client against a server that says what a test wants: also what no server should say."""

from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import md5

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.s3.client import S3
from cargo_sync.s3.content import PIECE, S3Content
from cargo_sync.s3.copying import Copying
from cargo_sync.s3.errors import S3Error
from cargo_sync.s3.objects import ObjectHead, Stored, Versioning
from cargo_sync.s3.requests import LONGEST_KEY
from cargo_sync.s3.sent_hashes import SentHash, ServerChecks
from cargo_sync.wire.sigv4 import EMPTY, UNSIGNED
from tests.s3.scripted import CUT, ETAG, SECRET, Say, Scripted, error, scripted, xml

BUSY = error("SlowDown", 503)
HELLO = S3Content((b"hello ", memoryview(bytearray(b"world"))))


@pytest.fixture
async def far() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


async def read(s3: S3, start: int = 0, end: int | None = None, *, if_match: str = "") -> bytes:
    async with s3.get("a", start, end, if_match=if_match) as content:
        return b"".join([piece async for piece in content.pieces()])


async def test_an_object_is_put_with_its_md5_and_read_back(far: Scripted) -> None:
    far.say(Say(headers=ETAG | {"x-amz-version-id": "v1"}))
    assert await far.s3.put("a//b/../ü", HELLO, {"Cargo-Mode": "644"}) == Stored(
        "e1", "v1", is_md5=False
    )
    [asked] = far.asked
    assert (asked.method, asked.path, asked.body) == (
        "PUT",
        "/films/a//b/../%C3%BC",
        b"hello world",
    )
    assert asked.headers["Content-MD5"] == "XrY7u+Ae7tCTyyK7j1rNww=="
    assert asked.headers["x-amz-meta-cargo-mode"] == "644"
    assert asked.headers["x-amz-content-sha256"].startswith("b94d27b9")
    assert SECRET not in str(asked.headers)

    head = {"x-amz-meta-cargo-mode": "644", "x-amz-version-id": "null", "ETag": 'W/"e1"'}
    far.say(Say(headers=head | {"Content-Length": "11"}))
    assert await far.s3.head("a") == ObjectHead(
        11, "e1", 1_770_717_600 * 10**9, {"cargo-mode": "644"}
    )
    far.say(Say(404))
    assert await far.s3.head("a") is None


async def test_a_large_content_is_paced_piece_by_piece_and_not_copied(far: Scripted) -> None:
    paced: list[int] = []

    async def pace(size: int) -> None:
        paced.append(size)

    view = memoryview(bytearray(PIECE * 2 + 1))
    far.say(Say(headers=ETAG))
    known = S3Content((view,), md5=md5(view).digest(), pace=pace)
    assert await far.s3.multipart.part("a", "u", 3, known) == "e1"
    assert paced == [PIECE, PIECE, 1]
    assert far.asked[0].path == "/films/a?partNumber=3&uploadId=u"
    assert far.asked[0].body == bytes(view)


@pytest.mark.parametrize(("is_checked_later", "signed"), [(True, UNSIGNED), (False, EMPTY)])
async def test_without_tls_only_what_is_checked_later_has_no_sha256(
    far: Scripted, is_checked_later: bool, signed: str
) -> None:
    far.say(Say(headers=ETAG))
    await far.s3.put("a", S3Content((b"",), is_checked_later=is_checked_later))
    [asked] = far.asked
    assert asked.headers["x-amz-content-sha256"] == signed
    assert asked.headers["Content-MD5"] == "1B2M2Y8AsgTpgAmY7PhCfg=="
    [signing] = [part for part in asked.headers["Authorization"].split() if "SignedHeaders" in part]
    assert "content-md5" in signing


async def test_a_server_that_checks_sha256_gets_no_md5_unless_it_wants_one(far: Scripted) -> None:
    """A bucket may begin to lock its objects: then it refuses what has no MD5."""
    far.s3.checks = ServerChecks(sha256=True)
    far.say(Say(headers=ETAG), error("InvalidRequest", 400), Say(headers=ETAG))
    later = S3Content((b"",), is_checked_later=True)
    assert far.s3.sent_hashes(HELLO) == far.s3.sent_hashes(later) == {SentHash.SHA256}
    for number in (1, 2):
        await far.s3.multipart.part("a", "u", number, HELLO)
    sent = [
        (asked.headers["x-amz-content-sha256"][:8], asked.headers.get("Content-MD5", "")[:4])
        for asked in far.asked
    ]
    assert sent == [("b94d27b9", ""), ("b94d27b9", ""), ("b94d27b9", "XrY7")]
    assert far.s3.doubted and far.s3.checks == ServerChecks()


@pytest.mark.parametrize("kind", SentHash)
async def test_a_hash_that_is_known_is_not_made_again(far: Scripted, kind: SentHash) -> None:
    far.s3.checks = ServerChecks(md5=True, sha256=True)
    far.say(Say(headers=ETAG))
    content = S3Content((b"hello",), is_checked_later=True).with_hash(kind, b"made before")
    await far.s3.put("a", content)
    [asked] = far.asked
    names = "Content-MD5", "x-amz-content-sha256", "x-amz-checksum-crc32"
    told, signed = b64encode(b"made before").decode(), b"made before".hex()
    assert [asked.headers.get(name) for name in names] == {
        SentHash.MD5: [told, UNSIGNED, None],
        SentHash.SHA256: [None, signed, None],
        SentHash.CRC32: [None, UNSIGNED, told],
    }[kind]


@pytest.mark.parametrize(
    ("start", "end", "say", "found"),
    [
        (0, None, Say(body=b"hello"), b"hello"),
        (1, 3, Say(206, b"el", {"Content-Range": "bytes 1-2/5"}), b"el"),
        (1, None, Say(206, b"ello", {"Content-Range": "bytes 1-4/5"}), b"ello"),
        (3, 9, Say(206, b"lo", {"Content-Range": "bytes 3-4/5"}), b"lo"),
        # One server sends the part as if it were all; others know no ranges.
        (1, 3, Say(200, b"el", {"Content-Range": "bytes 1-2/5"}), b"el"),
        (1, 3, Say(200, b"hello"), b"el"),
        (1, 3, Say(206, b"hell", {"Content-Range": "bytes 0-3/5"}), b"el"),
        (0, None, Say(200, b""), b""),
    ],
)
async def test_a_range_is_what_was_asked_for(
    far: Scripted, start: int, end: int | None, say: Say, found: bytes
) -> None:
    far.say(say, say)
    assert await read(far.s3, start, end) == found
    memory = memoryview(bytearray(len(found)))
    async with far.s3.get("a", start, end) as content:
        full = list[int]()
        views = [view for view in (memory[:3], memory[3:]) if len(view)]
        await content.read_into(views, full.append)
    assert memory == found
    assert full == list(range(len(views)))


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (Say(206, b"el", {"Content-Range": "bytes 2-3/5"}), Code.BAD_ANSWER),
        (Say(206, b"e", {"Content-Range": "bytes 1-1/5"}), Code.BAD_ANSWER),
        (Say(206, b"el", {"Content-Range": "bytes 1-2/*"}), Code.BAD_ANSWER),
        (Say(206, b"el", {"Content-Range": "bytes 1-3/5"}), Code.BAD_ANSWER),
        (Say(206, b"el"), Code.BAD_ANSWER),
        (Say(206, b"e", {"Content-Range": "bytes 1-2/5"}, cut=True), Code.CUT),
        (Say(200, b"hello", ETAG), Code.CHANGED),
        (Say(200, b"hello", {"Last-Modified": "today"}), Code.BAD_ANSWER),
        (error("InvalidRange", 416), Code.BAD_RANGE),
    ],
)
async def test_another_range_or_version_is_no_content(far: Scripted, say: Say, code: Code) -> None:
    far.say(say)
    with pytest.raises(S3Error) as caught:
        await read(far.s3, 1, 3, if_match="e2")
    assert caught.value.problem.code == code
    assert far.asked[0].headers["If-Match"] == '"e2"'


async def test_what_fails_where_it_is_written_is_not_the_servers_fault(far: Scripted) -> None:
    far.say(Say(body=b"hello"))
    with pytest.raises(OSError, match="disk"):
        async with far.s3.get("a"):
            raise OSError("the disk")


async def test_it_is_tried_again_while_that_may_help(far: Scripted) -> None:
    far.say(BUSY, CUT, Say(500), Say(503, headers={"Retry-After": "7"}), Say(body=b"hello"))
    assert await read(far.s3) == b"hello"
    assert far.paused == pytest.approx([0.15, 0.3, 0.6, 7.0])
    far.say(*[BUSY] * 5)
    with pytest.raises(S3Error) as caught:
        await read(far.s3)
    assert caught.value.problem.code == Code.BUSY and caught.value.problem.retry
    assert not far.script


@pytest.mark.parametrize("say", [CUT, Say(500), Say(504)])
@pytest.mark.parametrize(
    "call",
    [
        lambda s3: s3.put("a", HELLO, absent=True),
        lambda s3: s3.put("a", HELLO, if_match="e1", quoted=False),
        lambda s3: s3.delete("a", if_match="e1"),
        lambda s3: s3.multipart.begin("a"),
        lambda s3: s3.multipart.complete("a", "u", [(1, "e1")]),
    ],
)
async def test_what_may_have_been_done_is_not_done_twice(
    far: Scripted, call: Callable[[S3], Awaitable[object]], say: Say
) -> None:
    """But what has not been begun is."""
    far.say(BUSY, say)
    with pytest.raises(S3Error) as caught:
        await call(far.s3)
    assert caught.value.again and not caught.value.undone
    assert len(far.asked) == 2


@pytest.mark.parametrize(
    ("call", "condition"),
    [
        (lambda s3: s3.put("a", HELLO, absent=True), ("If-None-Match", "*", Code.OCCUPIED)),
        (
            lambda s3: s3.put("a", HELLO, if_match="e1", quoted=False),
            ("If-Match", "e1", Code.CHANGED),
        ),
        (
            lambda s3: s3.multipart.complete("a", "u", [(1, "e")], absent=True),
            ("If-None-Match", "*", Code.OCCUPIED),
        ),
        (lambda s3: s3.delete("a", if_match="e1"), ("If-Match", '"e1"', Code.CHANGED)),
    ],
)
async def test_a_condition_that_does_not_hold_says_what_is_there(
    far: Scripted,
    call: Callable[[S3], Awaitable[object]],
    condition: tuple[str, str, Code],
) -> None:
    name, value, code = condition
    far.say(error("PreconditionFailed", 412))
    with pytest.raises(S3Error) as caught:
        await call(far.s3)
    assert caught.value.problem.code == code and caught.value.undone
    assert far.asked[0].headers[name] == value


async def test_an_upload_in_parts(far: Scripted) -> None:
    far.say(
        xml(
            "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>"
        ),
        xml(
            "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2"
            "</NextPartNumberMarker><Part><PartNumber>2</PartNumber><ETag>&quot;e2&quot;</ETag>"
            "<Size>7</Size></Part></ListPartsResult>"
        ),
        xml(
            "<ListPartsResult><Part><PartNumber>3</PartNumber><ETag>e3</ETag><Size>8</Size>"
            "</Part></ListPartsResult>"
        ),
        Say(200, b" \n <CompleteMultipartUploadResult/>", {"x-amz-version-id": "v"}),
        Say(404),
    )
    parts = far.s3.multipart
    assert await parts.begin("a", {"x": "1"}) == "u/1"
    assert [(one.number, one.etag, one.size) for one in await parts.parts("a", "u/1")] == [
        (2, "e2", 7),
        (3, "e3", 8),
    ]
    assert await parts.complete("a", "u/1", [(2, "e2"), (3, "e&3")]) == "v"
    await parts.abort("a", "u/1")
    assert [asked.path.partition("?")[2] for asked in far.asked] == [
        "uploads=",
        "max-parts=1000&part-number-marker=0&uploadId=u%2F1",
        "max-parts=1000&part-number-marker=2&uploadId=u%2F1",
        "uploadId=u%2F1",
        "uploadId=u%2F1",
    ]
    assert b"<ETag>&quot;e&amp;3&quot;</ETag>" in far.asked[3].body


async def test_a_success_may_be_a_failure_after_all(far: Scripted) -> None:
    """What takes long begins with the status 200."""
    far.say(error("InvalidPart", 200))
    with pytest.raises(S3Error) as caught:
        await far.s3.multipart.complete("a", "u", [(1, "e")])
    assert caught.value.problem.code == Code.INCOMPLETE
    known = ObjectHead(5, "e1", 0, {})
    far.say(error("InternalError", 200), xml("<CopyObjectResult/>"))
    await far.s3.copy("a b", "c", known=known)
    assert far.asked[-1].headers["x-amz-copy-source"] == "/films/a%20b"
    assert far.asked[-1].headers["x-amz-copy-source-if-match"] == '"e1"'


async def test_a_copy_of_what_is_too_large_for_a_call_is_made_of_parts(far: Scripted) -> None:
    upload = xml("<Result><UploadId>u</UploadId></Result>")
    part = xml('<CopyPartResult><ETag>"p"</ETag></CopyPartResult>')
    far.say(upload, part, part, xml("<Result/>"))
    copying = Copying(far.connection, far.s3.multipart, largest=4)
    known = ObjectHead(5, "e1", 0, {"m": "1"})
    await copying.copy("a", "c", known, None)
    assert far.asked[0].headers["x-amz-meta-m"] == "1"
    spans = [asked.headers["x-amz-copy-source-range"] for asked in far.asked[1:3]]
    assert sorted(spans) == ["bytes=0-3", "bytes=4-4"]
    # A server that does not know the header stores an empty part, and says nothing of a copy.
    far.say(upload, Say(headers=ETAG), Say(headers=ETAG), Say(204))
    with pytest.raises(S3Error) as caught:
        await copying.copy("a", "c", known, None)
    assert caught.value.problem.code == Code.UNSUPPORTED
    assert (far.asked[-1].method, far.asked[-1].path) == ("DELETE", "/films/c?uploadId=u")


async def test_many_deletions_are_checked_one_by_one(far: Scripted) -> None:
    far.say(
        xml(
            "<DeleteResult><Deleted><Key>a&amp;</Key></Deleted><Error><Key>b</Key><Code>"
            "AccessDenied</Code><Message>no</Message></Error></DeleteResult>"
        ),
        Say(204),
        Say(204),
    )
    failed = await far.s3.delete_many(["a&", "b", "silent", "odd\r"])
    assert {key: problem.code for key, problem in failed.items()} == {"b": Code.REFUSED}
    assert [asked.path for asked in far.asked] == [
        "/films?delete=",
        "/films/odd%0D",
        "/films/silent",
    ]
    assert far.asked[0].headers["Content-MD5"]
    far.say(Say(501), Say(204), error("AccessDenied", 403))
    failed = await far.s3.delete_many(["a", "b"])
    assert list(failed) == ["b"]


async def test_a_bucket_is_there_and_has_versions_or_not(far: Scripted) -> None:
    named = {"Server": "Store/1.2", "x-amz-bucket-region": "eu-west-1"}
    far.say(Say(headers={"Server": ""}), Say(headers=named), Say(404), Say(403))
    found = [await far.s3.bucket_server() for _ in range(3)]
    assert found == ["", "Store/1.2 eu-west-1", None]
    with pytest.raises(S3Error):
        await far.s3.bucket_server()
    far.say(
        xml("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
        xml("<VersioningConfiguration/>"),
        error("NotImplemented", 501),
    )
    assert [await far.s3.versioning() for _ in range(3)] == [
        Versioning.ON,
        Versioning.OFF,
        Versioning.OFF,
    ]
    far.say(error("NoSuchBucket", 404))
    with pytest.raises(S3Error, match="check the name"):
        await far.s3.versioning()


@pytest.mark.parametrize(
    "call",
    [
        lambda s3: s3.head(""),
        lambda s3: s3.head("a\0"),
        lambda s3: s3.head("\ud800"),
        lambda s3: s3.head("ü" * (LONGEST_KEY // 2) + "x"),
        lambda s3: s3.put("a", HELLO, {"x": "ü"}),
        lambda s3: s3.put("a", HELLO, {"x": "a\r\nb: c"}),
        lambda s3: s3.put("a", HELLO, {"x:y": "1"}),
        lambda s3: s3.put("a", HELLO, if_match='a"b'),
    ],
)
async def test_what_no_request_can_hold_is_not_sent(
    far: Scripted, call: Callable[[S3], Awaitable[object]]
) -> None:
    with pytest.raises(ProblemError) as caught:
        await call(far.s3)
    assert caught.value.problem.code == Code.BAD_REQUEST
    assert far.asked == []
