"""Buckets with contents of workspaces: JSON values, metrics, and what a person should know."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from cargo_sync.api.messages import JsonObject
from cargo_sync.process.metrics import Family
from cargo_sync.stores.objects.buckets import BucketReport
from cargo_sync.stores.objects.reclaiming import ReclaimPart

Value = Callable[[BucketReport], float]


def rows(reports: Sequence[BucketReport]) -> list[JsonObject]:
    """The part of `status` about buckets."""
    return [
        {
            "bucket": one.address,
            "problem": str(one.problem) if one.problem else None,
            "objects": one.totals.objects,
            "bytes": one.totals.size,
            "used_bytes": one.totals.used,
            "contents": one.totals.contents,
            "missing": one.missing,
            "orphans": one.orphans.objects,
            "orphan_bytes": one.orphans.size,
            "checks": one.checks,
        }
        for one in reports
    ]


def part(found: ReclaimPart) -> JsonObject:
    """The answer of `workspace.orphans` and `workspace.reclaim`."""
    orphans = found.orphans
    ages = (orphans.oldest, orphans.newest) if orphans.objects else (None, None)
    oldest, newest = (None if age is None else round(age) for age in ages)
    return {
        "bucket": found.bucket,
        "objects": orphans.objects,
        "bytes": orphans.size,
        "oldest_s": oldest,
        "newest_s": newest,
        "young": found.young,
        "after": found.after or None,
    }


def warnings(reports: Sequence[BucketReport]) -> list[str]:
    """What a person should look at, in sentences."""
    found = [
        f"the bucket {one.address} cannot be used now: {one.problem}"
        for one in reports
        if one.problem is not None
    ]
    found += [
        f"{one.missing:,} objects with contents are missing in the bucket {one.address}: "
        "bring them back from a backup of the bucket, or delete these files and send them again"
        for one in reports
        if one.missing
    ]
    found += [
        f"{one.orphans.objects:,} objects in the bucket {one.address} are not known to this "
        "server: its state was restored from a backup, or a copy of it runs elsewhere. Once you "
        "are sure that you need no newer state: `cargo_ctl workspace reclaim`"
        for one in reports
        if one.orphans.objects
    ]
    return found + [words for one in reports if (words := one.unchecked)]


def families(reports: Sequence[BucketReport]) -> Iterable[Family]:
    """The metrics about buckets; nothing without buckets."""
    if not reports:
        return
    single: tuple[tuple[str, Literal["counter", "gauge"], str, Value], ...] = (
        ("up", "gauge", "Whether a bucket can be used.", lambda one: one.problem is None),
        ("objects", "gauge", "Objects in a bucket.", lambda one: one.totals.objects),
        ("bytes", "gauge", "Bytes of these objects.", lambda one: one.totals.size),
        ("used_bytes", "gauge", "Bytes of contents in use.", lambda one: one.totals.used),
        ("contents", "gauge", "Contents in use.", lambda one: one.totals.contents),
        ("missing_objects", "gauge", "Objects that are not there.", lambda one: one.missing),
        ("orphan_objects", "gauge", "Objects that no row names.", lambda one: one.orphans.objects),
        ("orphan_bytes", "gauge", "Bytes of these objects.", lambda one: one.orphans.size),
        ("sent_bytes_total", "counter", "Bytes sent to a bucket.", lambda one: one.counts.sent),
        (
            "received_bytes_total",
            "counter",
            "Bytes read from a bucket.",
            lambda one: one.counts.received,
        ),
    )
    for name, kind, words, value in single:
        samples = [({"bucket": one.address}, value(one)) for one in reports]
        yield Family(f"cargo_server_bucket_{name}", kind, words, samples)
    yield Family(
        "cargo_server_bucket_checks",
        "gauge",
        "Whether a bucket compares what it gets with a hash, once that is known.",
        [({"bucket": one.address}, one.checks) for one in reports if one.checks is not None],
    )
    yield Family(
        "cargo_server_bucket_requests_total",
        "counter",
        "Requests to a bucket, by kind.",
        [
            ({"bucket": one.address, "kind": kind}, count)
            for one in reports
            for kind, count in sorted(one.counts.requests.items())
        ],
    )
    yield Family(
        "cargo_server_bucket_failed_requests_total",
        "counter",
        "Requests to a bucket that failed, by kind.",
        [
            ({"bucket": one.address, "kind": kind}, count)
            for one in reports
            for kind, count in sorted(one.counts.failed.items())
        ],
    )
