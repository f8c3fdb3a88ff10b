"""A daemon's metrics, from the events of its jobs."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.daemon.reporting import metrics as measuring
from cargo_sync.daemon.reporting.metrics import JobMetrics
from cargo_sync.model.events import Event, Happened, groups
from cargo_sync.process.metrics import exposition
from tests.daemon.house import House, settings


def told(measured: JobMetrics) -> list[str]:
    return [
        line for line in exposition(measured.families()).splitlines() if not line.startswith("#")
    ]


async def test_jobs_and_what_they_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tmp_path)
    jobs: dict[str, Any] = {}
    for name in ("nightly", "other"):
        supervisor, gauge = await house.build(settings(name))
        jobs[name] = SimpleNamespace(supervisor=supervisor, sampler=gauge)
    measured = JobMetrics(lambda: cast(Mapping[str, Job], jobs), lambda: ["typo"])
    events = [
        Event("nightly", Happened.UPLOADED, 1.0, "a", 10),
        Event("nightly", Happened.UPLOADED, 1.0, "b", 5),
        Event("other", Happened.DOWNLOADED, 1.0, "c", 7),
        Event("other", Happened.FAILED, 1.0, "d", 99),
        Event("other", Happened.DELETED, 1.0, "e"),
    ]  # fmt: skip
    measured.happened(groups(events, 5))
    lines = told(measured)
    assert (
        'cargo_daemon_jobs{state="starting"} 2' in lines
        and 'cargo_daemon_jobs{state="held"} 0' in lines
    )
    assert [line for line in lines if "_total" in line] == [
        'cargo_files_total{cargo_job="nightly",direction="upload"} 2',
        'cargo_files_total{cargo_job="other",direction="download"} 1',
        'cargo_bytes_total{cargo_job="nightly",direction="upload"} 15',
        'cargo_bytes_total{cargo_job="other",direction="download"} 7',
        'cargo_errors_total{cargo_job="other"} 1',
    ]
    # A job that is removed is forgotten; of too many, only the sums are told.
    del jobs["other"]
    assert not any("other" in line for line in told(measured))
    monkeypatch.setattr(measuring, "MOST", 0)
    assert [line for line in told(measured) if "_total" in line] == [
        'cargo_files_total{cargo_job="",direction="upload"} 2',
        'cargo_files_total{cargo_job="",direction="download"} 1',
        'cargo_bytes_total{cargo_job="",direction="upload"} 15',
        'cargo_bytes_total{cargo_job="",direction="download"} 7',
        'cargo_errors_total{cargo_job=""} 1',
    ]
