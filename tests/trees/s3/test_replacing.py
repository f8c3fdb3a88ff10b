"""Uploads to a server that says what a test wants: answers are lost, parts and uploads too."""

from collections.abc import AsyncIterator

import pytest

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.s3.objects import ObjectHead
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.s3.entries import HASH, TIME, entry_of_head
from cargo_sync.trees.s3.replacing import ObeyedConditions
from cargo_sync.trees.s3.upload import KeptParts, S3Upload, confirmed, piece_of
from tests.s3.scripted import CUT, NOW, Say, Scripted, error, scripted, xml

MIB = 2**20
GIB = 2**30
FILE = NewFile("a", 5, 1_600_000_000_000_000_000, 0o640, "f" * 32, "ab" * 32)
KEPT = KeptParts("films/a", "u", MIB, {1: "p1"})
ALL = ObeyedConditions(absent=True, matching=True)
GONE = Say(404)


def head(etag: str = "e2", hash_: str = FILE.hash, mtime_ns: int = FILE.mtime_ns) -> Say:
    """What a HEAD says of an object."""
    metadata = {f"x-amz-meta-{HASH}": hash_, f"x-amz-meta-{TIME}": str(mtime_ns)}
    return Say(headers={"ETag": f'"{etag}"', "Content-Length": "5", **metadata})


def seen(etag: str) -> Entry:
    return entry_of_head("a", ObjectHead(5, etag, int(NOW) * 10**9, {}))


@pytest.fixture
async def far() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


async def published(
    far: Scripted, replaced: Entry | None, *answers: Say, obeyed: ObeyedConditions = ALL
) -> Entry:
    far.say(*answers)
    return await S3Upload(far.s3, KEPT, 5, obeyed).publish(FILE, replaced)


COMPLETE = xml("<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>")
"""One server leaves the ETag empty."""


async def test_what_is_there_after_complete_is_what_a_look_says(far: Scripted) -> None:
    assert await published(far, None, COMPLETE, head("e2-1")) == seen("e2-1")
    assert [one.method for one in far.asked] == ["POST", "HEAD"]
    assert far.asked[0].headers["If-None-Match"] == "*"


@pytest.mark.parametrize(("quoted", "sent"), [(True, '"e1"'), (False, "e1")])
async def test_the_condition_has_the_etag_as_the_server_reads_it(
    far: Scripted, quoted: bool, sent: str
) -> None:
    obeyed = ALL._replace(quoted=quoted)
    await published(far, seen("e1"), head("e1"), COMPLETE, head(), obeyed=obeyed)
    assert far.asked[1].headers["If-Match"] == sent


async def test_a_server_without_conditions_is_looked_at_before(far: Scripted) -> None:
    obeyed = ObeyedConditions(absent=False, matching=False)
    await published(far, None, GONE, COMPLETE, head(), obeyed=obeyed)
    await published(far, seen("e1"), head("e1"), COMPLETE, head(), obeyed=obeyed)
    assert not any(name.startswith("If-") for one in far.asked for name in one.headers)
    with pytest.raises(ProblemError) as caught:
        await published(far, seen("e1"), head("other"), obeyed=obeyed)
    assert caught.value.problem.code is Code.CHANGED


async def test_a_lost_answer_counts_if_the_object_is_ours(far: Scripted) -> None:
    assert await published(far, None, CUT, head(), head()) == seen("e2")


@pytest.mark.parametrize(
    "there", [GONE, head(hash_="cd" * 32), head(mtime_ns=1)], ids=["nothing", "others", "older"]
)
async def test_a_lost_answer_does_not_count_otherwise(far: Scripted, there: Say) -> None:
    with pytest.raises(ProblemError) as caught:
        await published(far, None, CUT, there)
    assert caught.value.problem.code is Code.CUT


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error("PreconditionFailed", 412), Code.OCCUPIED),
        (error("NoSuchUpload", 404), Code.VANISHED),
        (error("InvalidPart", 400), Code.INCOMPLETE),
    ],
)
async def test_a_refusal_is_no_lost_answer(far: Scripted, answer: Say, code: Code) -> None:
    with pytest.raises(ProblemError) as caught:
        await published(far, None, answer)
    assert caught.value.problem.code is code


def listed(*parts: tuple[int, str, int]) -> Say:
    rows = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><Size>{size}</Size></Part>"
        for number, etag, size in parts
    )
    return xml(f"<ListPartsResult>{rows}</ListPartsResult>")


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        (listed((1, "p1", MIB), (2, "p2", MIB), (3, "p3", 7)), [1, 2, 3]),
        (listed((1, "p1", MIB), (3, "p3", 7)), [1, 3]),
        (listed((1, "p1", MIB), (2, "x", MIB), (3, "p3", 8)), [1]),
        (listed((1, "p1", MIB), (4, "p4", MIB)), [1]),
        (listed(), []),
        (error("NoSuchUpload", 404), None),
    ],
)
async def test_only_parts_that_the_server_still_has_are_not_sent_again(
    far: Scripted, answer: Say, numbers: list[int] | None
) -> None:
    far.say(answer)
    kept = KEPT._replace(etags={1: "p1", 2: "p2", 3: "p3"})
    found = await confirmed(far.s3, kept, 2 * MIB + 7)
    assert (None if found is None else sorted(found.etags)) == numbers


def test_what_is_kept_is_read_back_and_nothing_else() -> None:
    assert KeptParts.read(KEPT.text()) == KEPT
    for other in ("", "{}", "[]", "[1,2,3,4]", '["k","u",5,{}]', '["k","u",1048576,[1]]'):
        assert KeptParts.read(other) is None


@pytest.mark.parametrize(
    ("size", "most", "piece"),
    [
        (1, 1_000, 16 * MIB),
        (900 * 16 * MIB, 1_000, 16 * MIB),
        (900 * 16 * MIB + 1, 1_000, 17 * MIB),
        (1_000 * GIB, 1_000, 1_138 * MIB),
        (1_000 * GIB, 10_000, 114 * MIB),
        (100 * GIB, 10_000, 64 * MIB),
    ],
)
def test_parts_are_as_small_as_the_server_allows(size: int, most: int, piece: int) -> None:
    assert piece_of(size, most) == piece
    assert -(-size // piece) <= most * 9 // 10
