"""The kind of marker that a server can hold is tried out, and nothing stays of that."""

from collections.abc import AsyncIterator

import pytest

from cargo_sync.s3.objects import Versioning
from cargo_sync.trees.s3.markers import Marker, usual_marker
from tests.s3.scripted import ETAG, Say, Scripted, error, scripted, xml

STORED = Say(headers=ETAG)
THERE = Say(headers=ETAG | {"Content-Length": "0"})
DELETED = xml(
    "<DeleteResult><Deleted><Key>probe/</Key></Deleted><Deleted><Key>probe/x</Key></Deleted>"
    "</DeleteResult>"
)


@pytest.fixture
async def far() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


@pytest.mark.parametrize(
    ("answers", "marker"),
    [
        ([STORED, STORED, THERE, THERE], Marker.SLASH),
        ([STORED, STORED, THERE, Say(404)], Marker.INSIDE),
        ([STORED, error("InvalidArgument", 400)], Marker.INSIDE),
    ],
)
async def test_it_is_a_slash_where_the_server_holds_that(
    far: Scripted, answers: list[Say], marker: Marker
) -> None:
    far.say(*answers, DELETED)
    assert await usual_marker(far.s3, "probe") is marker
    assert far.asked[-1].path == "/films?delete="


async def test_no_versions_of_it_stay(far: Scripted) -> None:
    version = (
        "<{0}><Key>probe/x</Key><Size>0</Size><ETag>e</ETag><VersionId>{1}</VersionId>"
        "<LastModified>2026-02-10T10:00:00.000Z</LastModified></{0}>"
    )
    listed = version.format("Version", "v1") + version.format("DeleteMarker", "v2")
    far.say(STORED, STORED, THERE, THERE, DELETED)
    far.say(xml(f"<ListVersionsResult>{listed}</ListVersionsResult>"), Say(204), Say(204))
    await usual_marker(far.s3, "probe", Versioning.ON)
    assert [one.path for one in far.asked[-2:]] == [
        "/films/probe/x?versionId=v1",
        "/films/probe/x?versionId=v2",
    ]
