"""Generated job files in the folder of a real daemon: it goes on, and other jobs are not touched.

`make fuzz` puts 100,000 of them there, some at a time (`CARGO_FUZZ_JOBS=N` N of them;
`CARGO_FUZZ_SEED` repeats a run). The files of a batch that was not survived are kept beside the
daemon's log.
"""

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.jobs.mutations import JobFileMutations, traps
from tests.e2e.processes import Place

FILES = int(os.environ.get("CARGO_FUZZ_JOBS", "0"))
SEED = int(os.environ.get("CARGO_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
BATCH = 100
LATE = 30.0
"""Seconds after which `status` is not answered."""
GROWN = 300 * 2**20
OPEN_FILES = 500


@pytest.mark.skipif(not FILES, reason="`make fuzz` runs it")
def test_a_daemon_survives_every_job_file(place: Place) -> None:
    print(f"CARGO_FUZZ_SEED={SEED}", flush=True)
    place.start("server")
    keeper = place.job("keeper")
    (keeper / "first").write_text("x")
    place.start("daemon")
    place.until_state("keeper", "synced")
    traps(place.folder)
    source = JobFileMutations(SEED, place.folder)
    for number in range(20):
        (place.folder / f"local{number}").mkdir()
    before: dict[str, int] = {}
    for number in range(FILES // BATCH):
        names = _batch(place.jobs, source)
        results = _reloaded(place)
        assert results.get("keeper") == "unchanged", (number, results)
        _looked_at(place, number)
        for name in names:
            (place.jobs / name).unlink()
        if number % 20 == 0:
            (keeper / f"new {number}").write_text("y")
            arrived = place.files / f"new {number}"
            place.until(arrived.exists, "the keeper works")
            before = _measured(place, before)
    results = _reloaded(place)
    assert [row["name"] for row in place.call("job.list")["jobs"]] == ["keeper"]
    assert place.stop("daemon") == 0


def _batch(jobs: Path, source: JobFileMutations) -> list[str]:
    names = []
    for _ in range(BATCH):
        name, content = source.file()
        (jobs / name).touch(mode=0o600)
        (jobs / name).write_bytes(content)
        names.append(name)
    return names


def _reloaded(place: Place) -> dict[str, str]:
    with place.client() as client:
        found = client.call("reload", timeout=20 * LATE)
    return {one["name"]: one["result"] for one in found["jobs"]}


def _looked_at(place: Place, number: int) -> None:
    """The daemon answers everything that shows jobs, and its log has no traceback."""
    began = time.monotonic()
    with place.client() as client:
        client.call("status", timeout=LATE)
        rows: list[dict[str, Any]] = client.call("job.list", timeout=LATE)["jobs"]
        for row in random.Random(number).sample(rows, min(5, len(rows))):
            assert (
                client.call("job.show", {"job": row["name"]}, timeout=LATE)["name"] == row["name"]
            )
    assert time.monotonic() - began < LATE
    log = (place.folder / "daemon.log").read_text(errors="replace")
    if "Traceback" in log:
        begin = log.index("Traceback")
        pytest.fail(log[max(0, begin - 500) : begin + 5_000], pytrace=False)
    (place.folder / "daemon.log").write_text("")


def _measured(place: Place, before: dict[str, int]) -> dict[str, int]:
    """What the daemon holds; after the first batches it does not grow any more."""
    process = Path(f"/proc/{place.pid('daemon')}")
    held = {
        "memory": int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "files": len(list((process / "fd").iterdir())),
    }
    assert held["files"] < OPEN_FILES, held
    assert not before or held["memory"] - before["memory"] < GROWN, (before, held)
    return before or held
