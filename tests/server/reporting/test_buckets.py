"""What a server tells of its buckets."""

from dataclasses import replace

from cargo_sync.config.bucket import BucketSettings
from cargo_sync.config.grants import Grant
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.config.secret import Secret
from cargo_sync.config.server import WorkspaceSettings
from cargo_sync.model.problems import Code, Problem
from cargo_sync.server.reporting import buckets
from cargo_sync.server.reporting.views import _place
from cargo_sync.state.objects import BucketTotals
from cargo_sync.stores.objects.buckets import BucketReport, Orphans
from cargo_sync.stores.objects.watched import BucketCounts

AT = "s3+https://store.example/cargo"
FINE = BucketReport(AT, None, BucketTotals(2, 30, 20, 5), BucketCounts({"put": 3}, {}, 30, 7), 0)
AWAY = BucketReport(
    f"{AT}/b",
    Problem(Code.BUSY, "it is busy"),
    BucketTotals(),
    BucketCounts({}, {"get": 1}),
    1_000,
    Orphans(12, 300, 9e5, 1e5),
    checks=True,
)


def test_a_bucket_that_cannot_be_used_is_told() -> None:
    assert buckets.warnings([FINE]) == []
    away, missing, orphans = buckets.warnings([FINE, AWAY])
    assert away == f"the bucket {AT}/b cannot be used now: it is busy"
    assert missing.startswith("1,000 objects with contents are missing")
    [unchecked] = buckets.warnings([replace(FINE, checks=False)])
    assert unchecked.startswith(f"the bucket {AT} compares what it gets with no MD5")
    assert orphans.startswith("12 objects") and "`cargo_ctl workspace reclaim`" in orphans
    rows = buckets.rows([FINE, AWAY])
    assert [(row["orphans"], row["orphan_bytes"]) for row in rows] == [(0, 0), (12, 300)]
    assert [(row["problem"], row["objects"], row["missing"]) for row in rows] == [
        (None, 2, 0),
        ("it is busy", 0, 1_000),
    ]
    found = {
        (family.name.removeprefix("cargo_server_bucket_"), labels["bucket"]): value
        for family in buckets.families([FINE, AWAY])
        for labels, value in family.samples
    }
    assert found["up", AT] == 1 and found["up", AWAY.address] == 0
    assert found["orphan_objects", AWAY.address] == 12 and found["orphan_bytes", AT] == 0
    assert ("checks", AT) not in found and found["checks", AWAY.address] == 1
    assert found["requests_total", AT] == 3 and found["sent_bytes_total", AT] == 30
    assert found["failed_requests_total", AWAY.address] == 1
    assert list(buckets.families([])) == []


def test_where_a_workspace_lies() -> None:
    bucket = BucketSettings(RemoteAddress.parse(AT), "id", Secret("canary"))
    space = WorkspaceSettings("w", "bucket:w", {"ana": Grant("rw")}, bucket=bucket)
    assert _place(space) == {"path": "", "bucket": AT}
