"""A job's progress after a pause: staged bytes are done, and the speed is of what moves now."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.engine.report import RunProgress
from cargo_sync.lanes.figures import Figures
from cargo_sync.model.jobs import Mode
from tests.engine.world import System


def test_a_resumed_file_begins_where_it_was_and_ends_at_its_end(tmp_path: Path) -> None:
    system = System(tmp_path)
    figures = Figures(content=0, had=6_000)
    progress = RunProgress()
    progress.of(Mode.UPLOAD).planned(1, 10_000)
    run = SimpleNamespace(progress=progress, report=SimpleNamespace(run="r2"))
    sides = SimpleNamespace(figures=lambda: {Mode.UPLOAD: figures})
    settings = SimpleNamespace(mode="upload")
    job: Any = SimpleNamespace(run_now=run, sides=sides, settings=settings)
    sampler = JobSampler(job, system.world())
    seen = []
    for content in (0, 1_000, 2_000, 4_000):
        figures = Figures(content=content, had=6_000)
        now = sampler.advance()
        seen.append((now.bytes_done, now.speed_bps, now.eta_s))
        system.now += content // 1_000 or 1
    assert seen == [(6_000, 0, None), (7_000, 8_000, 3), (8_000, 8_000, 2), (10_000, 8_000, None)]
