"""Uploads to a server that says what a test wants: answers are lost, parts and uploads too."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import md5

import pytest

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.s3.abilities import S3Abilities
from cargo_sync.s3.objects import ObjectHead
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.s3.entries import HASH, TIME, entry_of_head
from cargo_sync.trees.s3.upload import UNDER_WAY, KeptParts, S3Upload, confirmed, piece_of
from tests.s3.scripted import CUT, NOW, SILENT, Say, Scripted, error, scripted, xml

MIB = 2**20
GIB = 2**30
FILE = NewFile("a", 5, 1_600_000_000_000_000_000, 0o640, "f" * 32, "ab" * 32)
KEPT = KeptParts("films/a", "u", MIB, {1: "p1"})
ALL = S3Abilities(complete_if_absent=True, complete_if_match=True)
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
    far: Scripted, replaced: Entry | None, *answers: Say, server: S3Abilities = ALL
) -> Entry:
    far.say(*answers)
    return await S3Upload(far.s3, KEPT, 5, server).publish(FILE, replaced)


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
    server = replace(ALL, quoted=quoted)
    await published(far, seen("e1"), head("e1"), COMPLETE, head(), server=server)
    assert far.asked[1].headers["If-Match"] == sent


async def test_a_server_without_conditions_is_looked_at_before(far: Scripted) -> None:
    server = S3Abilities()
    await published(far, None, GONE, COMPLETE, head(), server=server)
    await published(far, seen("e1"), head("e1"), COMPLETE, head(), server=server)
    assert not any(name.startswith("If-") for one in far.asked for name in one.headers)
    with pytest.raises(ProblemError) as caught:
        await published(far, seen("e1"), head("other"), server=server)
    assert caught.value.problem.code is Code.CHANGED


IN_PARTS = {"x-amz-meta-cargo-transfer": FILE.transfer, f"x-amz-meta-{TIME}": str(FILE.mtime_ns)}


@pytest.mark.parametrize(
    "there",
    [head(), Say(headers={"ETag": '"e2"', "Content-Length": "5"} | IN_PARTS)],
    ids=["in one call", "in parts"],
)
async def test_a_lost_answer_counts_if_the_object_is_ours(far: Scripted, there: Say) -> None:
    assert await published(far, None, CUT, there, there) == seen("e2")


@pytest.mark.parametrize(
    "there", [GONE, head(hash_="cd" * 32), head(mtime_ns=1)], ids=["nothing", "others", "older"]
)
async def test_a_lost_answer_does_not_count_otherwise(far: Scripted, there: Say) -> None:
    with pytest.raises(ProblemError) as caught:
        await published(far, None, CUT, there)
    assert caught.value.problem.code is Code.CUT


@pytest.mark.parametrize(("there", "counts"), [(head(), True), (GONE, False)])
async def test_what_is_cut_off_counts_if_the_object_is_ours(
    far: Scripted, there: Say, counts: bool
) -> None:
    """The request had come whole, so the server may go on with it."""
    work = asyncio.create_task(published(far, None, SILENT, there))
    await far.silent.wait()
    work.cancel()
    await asyncio.wait({work})
    assert work.cancelled() is not counts
    assert not counts or work.result() == seen("e2")


@pytest.mark.parametrize("there", [GONE, head(hash_="cd" * 32)], ids=["nothing", "others"])
async def test_what_somebody_else_has_put_in_its_place_is_not_taken_for_ours(
    far: Scripted, there: Say
) -> None:
    with pytest.raises(ProblemError) as caught:
        await published(far, None, COMPLETE, there, server=replace(ALL, keeps_metadata=True))
    assert caught.value.problem.code is Code.UNCERTAIN


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
        await published(far, None, answer, head())
    assert caught.value.problem.code is code


def listed(*parts: tuple[int, str, int]) -> Say:
    rows = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><Size>{size}</Size></Part>"
        for number, etag, size in parts
    )
    return xml(f"<ListPartsResult>{rows}</ListPartsResult>")


@pytest.mark.parametrize(
    ("answer", "sure", "unsure"),
    [
        (listed((1, "p1", MIB), (2, "p2", MIB), (3, "p3", 7)), [1, 2], [3]),
        (listed((1, "p1", MIB), (3, "p3", 7)), [1], [3]),
        (listed((1, "p1", MIB), (2, "x", MIB), (3, "p3", 8)), [1], []),
        (listed((1, "p1", MIB), (4, "p4", MIB)), [1], []),
        (listed(), [], []),
    ],
)
async def test_only_parts_that_the_server_still_has_are_not_sent_again(
    far: Scripted, answer: Say, sure: list[int], unsure: list[int]
) -> None:
    far.say(answer)
    kept = KEPT._replace(etags={1: "p1", 2: "p2"})
    found = await confirmed(far.s3, kept, 2 * MIB + 7)
    assert found is not None and (sorted(found.etags), sorted(found.found)) == (sure, unsure)


async def test_an_upload_that_the_server_has_forgotten_begins_anew(far: Scripted) -> None:
    far.say(error("NoSuchUpload", 404))
    assert await confirmed(far.s3, KEPT, 2 * MIB) is None


async def test_a_part_of_which_nothing_was_kept_is_not_sent_if_its_md5_is_there(
    far: Scripted,
) -> None:
    contents = [b"one", b"two"]
    there = {1: md5(b"one").hexdigest(), 2: md5(b"other").hexdigest()}
    upload = S3Upload(far.s3, KEPT._replace(etags={}, found=there), MIB + 3, ALL)
    far.say(Say(headers={"ETag": '"p2"'}))
    paced: list[int] = []

    async def pace(size: int) -> None:
        paced.append(size)

    for number, content in enumerate(contents):
        await upload.send(number * MIB, memoryview(content), pace)
    assert [one.body for one in far.asked] == [b"two"] and paced == [3]
    assert upload.done == [(0, MIB + 3)]


def test_what_is_kept_is_read_back_and_nothing_else() -> None:
    assert KeptParts.read(KEPT.text()) == KEPT
    for other in ("", "{}", "[]", "[1,2,3,4]", '["k","u",5,{}]', '["k","u",1048576,[1]]'):
        assert KeptParts.read(other) is None


def test_a_file_that_no_bucket_can_keep_is_refused_before_it_takes_memory() -> None:
    assert piece_of(50_000 * GIB, 10_000) == 5 * GIB
    with pytest.raises(ProblemError, match="too large for the server"):
        piece_of(50_000 * GIB + 1, 10_000)  # another server may say of its files what it likes


@pytest.mark.parametrize(
    ("size", "most", "piece", "at_once"),
    [
        (1, 1_000, 5 * MIB, 3),
        (5_000 * MIB, 1_000, 5 * MIB, 3),
        (5_000 * MIB + 1, 1_000, 6 * MIB, 2),
        (8_000 * MIB, 1_000, 8 * MIB, 2),
        (8_000 * MIB + 1, 1_000, 16 * MIB, 1),
        (16_000 * MIB + 1, 1_000, 17 * MIB, 1),
        (50_000 * MIB, 10_000, 5 * MIB, 3),
        (78 * GIB, 10_000, 8 * MIB, 2),
        (100 * GIB, 10_000, 16 * MIB, 1),
        (1_000 * GIB, 10_000, 103 * MIB, 1),
    ],
)
async def test_no_more_is_under_way_than_one_part_of_16_mib_or_what_the_server_needs(
    far: Scripted, size: int, most: int, piece: int, at_once: int
) -> None:
    assert piece_of(size, most) == piece
    assert -(-size // piece) <= most
    upload = S3Upload(far.s3, KEPT._replace(piece=piece), size, ALL)
    assert upload.at_once == at_once and at_once * piece <= max(UNDER_WAY, piece)
