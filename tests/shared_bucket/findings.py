"""What is where at the end, and what the history says."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

from cargo_sync.model import paths
from tests.remotes.installed import of_python
from tests.shared_bucket.diary import Side
from tests.shared_bucket.place import JOBS, SharedBucket
from tests.shared_bucket.verdict import Findings, Row

_OURS = ".cargo_sync"
_STAGING = ".cargo_sync/staging"
_PARTS = ".rclone_temp_multipart_"
"""How names of unfinished uploads begin on the disk of `rclone serve s3`: they are no objects."""
_Split = tuple[dict[str, str], frozenset[str]]


def findings(place: SharedBucket, *, versions: bool) -> Findings:
    """Looks everywhere. Nothing may change meanwhile."""
    folders = {Side.FOLDER: place.shared, Side.SERVER: place.files}
    split: dict[Side, _Split] = {side: _split(hashes(root)) for side, root in folders.items()}
    split[Side.BUCKET] = _of_versions(place) if versions else _split(in_bucket(place))
    return Findings(
        {side: current for side, (current, _) in split.items()},
        {side: kept for side, (_, kept) in split.items()},
        history(place),
        excused=not versions and not place.obeys,
    )


def alike(place: SharedBucket) -> bool:
    """Whether all sides have the same files."""
    here = _split(hashes(place.shared))[0]
    return here == _split(hashes(place.files))[0] == _split(in_bucket(place))[0]


def in_bucket(place: SharedBucket) -> Mapping[str, str]:
    """The hashes of objects, by their keys."""
    if place.far.stored is not None:
        found = hashes(place.far.stored)
        return {key: one for key, one in found.items() if _PARTS not in key}
    into = place.folder / "fetched"
    shutil.rmtree(into, ignore_errors=True)
    subprocess.run(
        [of_python("rclone"), "copy", place.rclone_place, str(into)],
        env=os.environ | dict(place.far.environment),
        check=True,
    )
    return hashes(into)


def hashes(root: Path) -> Mapping[str, str]:
    """The hashes of all files below a folder."""
    return {
        str(path.relative_to(root)): blake3(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def history(place: SharedBucket) -> list[Row]:
    """All that both jobs did, oldest first."""
    rows: list[Row] = []
    since = 0
    while True:
        page = place.call("history", since=since, limit=1000)
        rows += [_row(one) for one in page["rows"] if one["job"] in JOBS]
        since = page["next"]
        if not page["more"]:
            return rows


def _row(row: dict[str, Any]) -> Row:
    details = row["details"]
    return Row(
        JOBS[row["job"]],
        row["kind"],
        row["time"],
        row["path"],
        details.get("hash", ""),
        details.get("seconds") or 0.0,
        row["message"],
    )


def _split(found: Mapping[str, str]) -> _Split:
    """Files as people see them, and what is in our own folder: what is staged does not count."""
    current = {path: one for path, one in found.items() if not _is_ours(path)}
    ours = frozenset(
        one for path, one in found.items() if _is_ours(path) and not paths.is_below(path, _STAGING)
    )
    return current, ours


def _is_ours(path: str) -> bool:
    """Also of what keeps an empty folder in a bucket, which is in that folder."""
    return _OURS in path.split("/")


def _of_versions(place: SharedBucket) -> _Split:
    """The same of a bucket that keeps versions: the older ones are kept, too."""
    into = place.folder / "versions"
    into.mkdir()
    told = place.about_versions("fetch", place.bucket, str(into))
    current, kept = {}, set()
    for one in map(json.loads, told.splitlines()):
        if not one["file"] or one["key"].endswith("/"):  # what keeps an empty folder is no file
            continue
        digest = blake3((into / one["file"]).read_bytes()).hexdigest()
        if one["newest"] and not _is_ours(one["key"]):
            current[one["key"]] = digest
        else:
            kept.add(digest)
    return current, frozenset(kept)
