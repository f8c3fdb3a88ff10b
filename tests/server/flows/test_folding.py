"""A server whose disk takes two names for one says so: jobs let the later name wait."""

from pathlib import Path

import pytest

from cargo_sync.local.root import Root
from cargo_sync.model.jobs import Mode
from tests.server.flows.test_flows import job, login, run
from tests.server.test_app import running, settings


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.BIDIRECTIONAL])
async def test_two_folders_do_not_become_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    here = tmp_path / "a" / "here"
    monkeypatch.setattr(Root, "folds_names", lambda root: root.path != str(here))
    async with running(settings(tmp_path)) as up, job(tmp_path / "a", login(up), mode) as system:
        for path in ("Dir/a", "dir/b", "other"):
            (here / path).parent.mkdir(parents=True, exist_ok=True)
            (here / path).write_text(path)
        report = await run(system).execute()
        assert [(one.code, one.path) for one in report.problems] == [("name_collision", "dir")]
        box = tmp_path / "ana" / "in" / "box"
        there = {path.relative_to(box).as_posix() for path in box.rglob("*") if path.is_file()}
        assert there == {"Dir/a", "other"}
