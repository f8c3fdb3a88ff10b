"""What was found out about a bucket is kept, and believed until something speaks against it."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.s3.abilities import MOST_PARTS, S3Abilities
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import SentDigests
from cargo_sync.s3.credentials import S3Login
from cargo_sync.s3.objects import Versioning
from cargo_sync.s3.requests import S3Request
from cargo_sync.state.findings import Finding, Findings
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.remote.findings import AskedAnew, MemoryFindings
from cargo_sync.trees.s3.folder import S3Folder
from cargo_sync.trees.s3.known import KnownBucket
from cargo_sync.trees.s3.markers import Marker
from cargo_sync.wire.sigv4 import AccessKey
from tests.conformance.remotes import in_thread
from tests.remotes.remotes import Remotes
from tests.s3.scripted import ETAG, Say, Scripted, error, scripted, xml

KNOWN = KnownBucket(
    S3Abilities(
        put_if_absent=True, checks_sha256=True, most_parts=MOST_PARTS, versioning=Versioning.ON
    ),
    Marker.INSIDE,
)
NAMED = Say(headers={"Server": "Store/1"})
NO_VERSIONS = xml("<VersioningConfiguration/>")
FILE = NewFile("a", 5, 0, 0o640, "f" * 32, "ab" * 32)


def test_it_is_read_as_it_was_written() -> None:
    assert KnownBucket.read(KNOWN.text()) == KNOWN


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found[0].pop("ranges"),  # of an older release
        lambda found: found[0].update(more=True),  # of a newer one
        lambda found: found[0].update(ranges=1),
        lambda found: found[0].update(versioning="some"),
        lambda found: found.pop(),
        lambda found: found.__setitem__(1, "?"),
        lambda found: found.__setitem__(0, None),
    ],
)
def test_of_another_release_it_is_found_out_anew(change: Callable[[list[object]], object]) -> None:
    found = orjson.loads(KNOWN.text())
    change(found)
    assert KnownBucket.read(orjson.dumps(found).decode()) is None
    assert KnownBucket.read("") is None


@pytest.fixture
async def far() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


async def started(far: Scripted, findings: MemoryFindings) -> S3Folder:
    """A folder as a new daemon has it, which is open."""
    folder = S3Folder(far.connection.login, "", far.connection.world, findings)
    far.say(NAMED)
    await folder.open(make=False)
    far.asked.clear()
    return folder


def found(far: Scripted, server: str = "Store/1") -> MemoryFindings:
    findings = MemoryFindings(lambda: 0.0)
    endpoint = far.connection.login.address.endpoint
    findings.put(Finding(f"s3 {endpoint}/films/ key", server, KNOWN.text()))
    return findings


async def test_a_new_daemon_asks_only_what_people_change(far: Scripted) -> None:
    folder = await started(far, found(far))
    far.say(NO_VERSIONS)
    await folder.find_out()
    await folder.find_out()
    assert [(one.method, one.path) for one in far.asked] == [("GET", "/films?versioning=")]
    assert folder.known == KNOWN.with_versions(Versioning.OFF)
    far.say(xml("<Result><UploadId>u</UploadId></Result>"), Say(headers=ETAG))
    upload = await folder.upload(FILE, None)
    await upload.send(0, memoryview(b"12345"), _no_pace)
    assert "Content-MD5" not in far.asked[-1].headers, "it checks SHA-256"
    await folder.close()


async def test_another_server_is_asked_anew_and_so_does_a_check(far: Scripted) -> None:
    for findings in (found(far, "Store/2"), AskedAnew(found(far))):
        folder = S3Folder(far.connection.login, "", far.connection.world, findings)
        far.say(NAMED, NO_VERSIONS, Say(403), Say(204), Say(204))
        await folder.open(make=False)
        with pytest.raises(ProblemError):
            await folder.find_out()
        assert "PUT" in [one.method for one in far.asked], "it tries out what the server does"
        await folder.close()


@pytest.mark.parametrize(
    "answers",
    [
        [Say(501)],  # it does not know the condition any more
        [error("NotImplemented", 501)],
        [Say(412), Say(404)],  # it says that something is there, and nothing is
    ],
)
async def test_an_answer_that_contradicts_it_makes_the_server_be_asked_anew(
    far: Scripted, answers: list[Say]
) -> None:
    folder = await started(far, found(far))
    far.say(NO_VERSIONS)
    await folder.find_out()
    far.say(*answers)
    with pytest.raises(ProblemError) as caught:
        await folder.put(FILE, memoryview(b"12345"), None, _no_pace)
    assert caught.value.problem.retry and "anew" in caught.value.problem.hint
    far.asked.clear()
    far.say(NO_VERSIONS, Say(403), Say(204), Say(204))
    with pytest.raises(ProblemError):
        await folder.find_out()
    assert [one.method for one in far.asked] == ["GET", "PUT", "DELETE", "DELETE"]
    await folder.close()


async def test_a_condition_that_does_not_hold_contradicts_nothing(far: Scripted) -> None:
    folder = await started(far, found(far))
    far.say(NO_VERSIONS)
    await folder.find_out()
    far.say(Say(412), Say(headers={"ETag": '"e"', "Content-Length": "1"}))
    with pytest.raises(ProblemError) as caught:
        await folder.put(FILE, memoryview(b"12345"), None, _no_pace)
    assert caught.value.problem.code is Code.OCCUPIED
    far.asked.clear()
    await folder.find_out()
    assert far.asked == []
    await folder.close()


async def _no_pace(count: int) -> None:
    return None


async def test_a_restart_asks_a_real_server_next_to_nothing(
    remotes: Remotes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, calls = remotes.get("rclone-s3"), list[str]()
    real = S3Connection._signed

    def signed(
        self: S3Connection, request: S3Request, hashed: SentDigests | None, asked: float
    ) -> tuple[str, dict[str, str]]:
        calls.append(request.method)
        return real(self, request, hashed, asked)

    monkeypatch.setattr(S3Connection, "_signed", signed)
    clock = time.monotonic
    world = World(time.time, clock, lambda: 0.5, lambda: "f" * 32, in_thread, clock)
    login = S3Login(
        S3Address.of(RemoteAddress.parse(server.place().url), None),
        lambda: AccessKey(server.login.user, server.login.password),
    )
    known, counts = list[KnownBucket | None](), list[int]()
    for _ in range(2):
        database = SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")
        folder = S3Folder(login, "films", world, Findings(database, clock))
        calls.clear()
        await folder.open(make=True)
        await folder.find_out()
        counts.append(len(calls))
        known.append(folder.known)
        await folder.close()
        database.close()
    first, second = known
    assert first is not None and first == second
    assert replace(first.server, ranges=False) != first.server
    assert counts[0] > 20 and counts[1] == 3, "the bucket, something in the folder, versions"
