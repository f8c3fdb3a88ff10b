"""Job files that commands check, show and change, and the folders for them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.masking import MASK
from cargo_sync.daemon.jobs.loading import JobFiles
from tests.daemon.handlers.test_handlers import Daemon, running
from tests.daemon.handlers.test_job_folder import CANARY, files, text


def fields(name: str = "photos", **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text(name, **changes))
    return found


async def test_a_form_is_checked_as_its_file_would_be(tmp_path: Path) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        form = fields(speed="fast", local_dir="pictures", events={"onFinsh": {}})
        checked = await daemon.ask("job.check", fields=form)
        assert not checked["ok"]
        assert [error["field"] for error in checked["errors"]] == [
            "local_dir",
            "speed",
            "events.onFinsh",
        ]
        [speed] = [error for error in checked["errors"] if error["field"] == "speed"]
        assert speed["message"] == '"fast" is not a speed' and "mbps" in speed["hint"]
        assert (
            speed["text"]
            == f"the text:{speed['line']}: speed: {speed['message']} ({speed['hint']})"
        )
        assert '"speed": "fast"' in checked["text"].split("\n")[speed["line"] - 1]
        assert checked["fields"] == form | {"password": MASK}
        assert CANARY not in repr(checked)
        missing = await daemon.ask("job.check", fields={"sync_name": "a"})
        assert {error["field"] for error in missing["errors"]} >= {"local_dir", "password"}


async def test_a_form_without_errors_can_be_added(tmp_path: Path) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        form = fields("photos")
        checked = await daemon.ask("job.check", fields=form)
        assert (checked["ok"], checked["errors"], checked["in_place"]) == (True, [], True)
        [warning] = checked["warnings"]
        assert (warning["field"], warning["message"]) == (
            "local_dir", "there is no folder /nowhere/photos",
        )  # fmt: skip
        assert await daemon.ask("job.add", fields=checked["fields"]) == "bad_config", "no secret"
        added = await daemon.ask("job.add", fields=form)
        assert json.loads(Path(added["file"]).read_text()) == form
        again = await daemon.ask("job.check", fields=form)
        assert [error["field"] for error in again["errors"]] == ["sync_name", "local_dir"]
        own = await daemon.ask("job.check", fields=form | {"password": MASK}, job="photos")
        assert own["ok"] and own["text"] == Path(added["file"]).read_text().replace(CANARY, MASK)
        renamed = await daemon.ask("job.check", fields=form | {"sync_name": "b"}, job="photos")
        assert [one["field"] for one in renamed["warnings"]] == ["sync_name", "local_dir"]
        for args in ({}, {"text": "{}", "fields": {}}):
            assert await daemon.ask("job.check", **args) == "bad_argument"
            assert await daemon.ask("job.add", **args) == "bad_argument"
        assert await daemon.ask("job.check", text="{}", job="photo") == "unknown_job"


async def test_a_text_that_is_no_json_is_not_shown(tmp_path: Path) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        checked = await daemon.ask("job.check", text=f'{{"password": "{CANARY}" x', name="new.json")
        assert (checked["ok"], checked["text"], checked["fields"]) == (False, None, None)
        assert checked["errors"][0]["text"].startswith("new.json:1: unexpected")
        (tmp_path / "jobs" / "broken.json").write_text(f'{{"password": "{CANARY}" x')
        await daemon.ask("reload")
        shown = await daemon.ask("job.read", job="broken")
        assert shown["text"] is None and len(shown["errors"]) == 1 and CANARY not in repr(shown)
        fixed = await daemon.ask("job.write", job="broken", text=text("whole"))
        assert (fixed["name"], fixed["changed"]) == ("whole", True)
        await daemon.synced("whole")


COMMENTED = """{
    // of the night
    "sync_name": "photos", "sync_mode": "upload", "local_dir": "/nowhere/photos",
    "username": "ana", "password": "canary-77aa", // her own
    "hostname": "https://files.example:8443", "sleep": 1000000.0,
}
"""


async def test_a_file_is_changed_where_it_stands(tmp_path: Path) -> None:
    place = files(tmp_path)
    path = tmp_path / "jobs" / "photos.json"
    path.write_text(COMMENTED)
    path.chmod(0o640)
    async with running(tmp_path, place) as daemon:
        await daemon.synced("photos")
        now = await daemon.ask("job.read", job="photos")
        assert now["text"] == COMMENTED.replace(CANARY, MASK) and now["errors"] == []
        assert (now["file"], now["fields"]["password"]) == (str(path), MASK)

        form = now["fields"] | {"priority": 80}
        written = await daemon.ask("job.write", job="photos", fields=form, version=now["version"])
        assert written["changed"] and written["in_place"] and written["name"] == "photos"
        assert path.read_text() == COMMENTED.replace("1000000.0,\n", '1000000.0, "priority": 80,\n')
        assert path.stat().st_mode & 0o777 == 0o640
        assert Path(written["old"]).read_text() == COMMENTED
        assert daemon.jobs.get("photos").supervisor.settings.priority == 80
        assert daemon.jobs.get("photos").supervisor.settings.password.reveal() == CANARY

        late = await daemon.refused("job.write", job="photos", text="{}", version=now["version"])
        assert late["code"] == "changed" and "meanwhile" in late["message"]
        edited = (await daemon.ask("job.read", job="photos"))["text"].replace(MASK, "new")
        await daemon.ask("job.write", job="photos", text=edited)
        assert daemon.jobs.get("photos").supervisor.settings.password.reveal() == "new"
        same = await daemon.ask("job.write", job="photos", text=edited)
        assert (same["changed"], same["old"]) == (False, "")
        assert sorted(os.listdir(tmp_path / "jobs" / ".removed")) == [
            "photos-2.json",
            "photos.json",
        ]
        assert sorted(os.listdir(tmp_path / "jobs")) == [".removed", "photos.json"]


async def test_what_has_errors_is_not_written(tmp_path: Path) -> None:
    place = files(tmp_path)
    path = tmp_path / "jobs" / "photos.json"
    path.write_text(text("photos"))
    (tmp_path / "jobs" / "other.json").write_text(text("other"))
    async with running(tmp_path, place) as daemon:
        await daemon.synced("photos")
        for change in ({"sleep": -1}, {"local_dir": "/nowhere/other/sub"}, {"sync_name": "other"}):
            error = await daemon.refused(
                "job.write", job="photos", fields=fields("photos") | change
            )
            assert error["code"] == "bad_config"
            assert (
                error["message"].startswith(f"{path}")
                and f"{next(iter(change))}: " in error["message"]
            )
            assert CANARY not in error["message"]
        assert path.read_text() == text("photos")
        assert daemon.jobs.get("photos").supervisor.outdated == ""
        path.rename(tmp_path / "real.json")
        path.symlink_to(tmp_path / "real.json")
        assert (
            await daemon.ask("job.write", job="photos", text=text("photos", sleep=9)) == "symlink"
        )
        assert (tmp_path / "real.json").read_text() == text("photos")
        path.unlink()
        assert await daemon.ask("job.read", job="photos") == "vanished"
        assert await daemon.ask("job.write", job="photos", text=text("photos")) == "vanished"


async def test_a_relative_path_belongs_to_the_files_folder(tmp_path: Path) -> None:
    place = files(tmp_path)
    path = tmp_path / "jobs" / "photos.json"
    path.write_text(text("photos", local_dir="../photos"))
    async with running(tmp_path, place) as daemon:
        checked = await daemon.ask(
            "job.check", job="photos", fields=fields("photos", local_dir="../photos", sleep=5.0)
        )
        assert checked["ok"]


async def test_the_only_job_of_a_daemon_is_shown_and_not_written(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(text("one"))
    async with running(tmp_path, JobFiles.one(str(tmp_path / "one.json"), {})) as daemon:
        assert (await daemon.ask("job.read", job="one"))["fields"]["sync_name"] == "one"
        assert await daemon.ask("job.write", job="one", text=text("one", sleep=5.0)) == "one_job"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b", "a/inner", ".hidden", ".cargo_sync", "é", "line\nbreak"):
        (tmp_path / "tree" / name).mkdir(parents=True)
    (tmp_path / "tree" / "file").touch()
    (tmp_path / "tree" / "link").symlink_to("a")
    (tmp_path / "tree" / "broken").symlink_to("nowhere")
    os.mkdir(os.fsencode(tmp_path / "tree") + b"/\xff")
    return tmp_path / "tree"


async def test_folders_page_by_page(tmp_path: Path, tree: Path) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        whole = await daemon.ask("local.list", path=f"{tree}/a/..")
        assert whole == {
            "path": str(tree), "parent": str(tmp_path), "next": None,
            "folders": [".hidden", "a", "b", "link", "é"],
        }  # fmt: skip
        assert await pages(daemon, str(tree)) == [[".hidden", "a"], ["b", "link"], ["é"]]
        root = await daemon.ask("local.list", path="/", limit=1)
        assert root["parent"] is None and len(root["folders"]) == 1
        assert await daemon.ask("local.list", path="tree") == "bad_path"
        assert await daemon.ask("local.list", path=str(tree / "file")) == "not_a_folder"
        assert await daemon.ask("local.list", path=str(tree / "none")) == "vanished"
        assert await daemon.ask("local.list") == "vanished", "/home/ana, the user's home"


async def pages(daemon: Daemon, path: str) -> list[list[str]]:
    found, after = [], ""
    while after is not None:
        page = await daemon.ask("local.list", path=path, after=after, limit=2)
        found.append(page["folders"])
        after = page["next"]
    return found


async def test_rates(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        rates = await daemon.ask("job.rates", job="nightly")
        assert (rates["job"], rates["span"], rates["step_s"]) == ("nightly", "10m", 5)
        assert len(rates["speed_bps"]) == len(rates["files_per_s"]) == 120
        assert set(rates["speed_bps"]) == {None, 0}
        day = await daemon.ask("job.rates", span="day")
        assert (day["job"], day["step_s"], len(day["speed_bps"])) == (None, 300, 288)
        assert await daemon.ask("job.rates", job="nigthly") == "unknown_job"
        assert await daemon.ask("job.rates", span="week") == "bad_argument"
