"""Jobs that commands add and remove: through the router, into a real folder of job files."""

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from cargo_sync.daemon.jobs.loading import JobFiles
from cargo_sync.state.events import Events
from tests.daemon.handlers.test_handlers import Daemon, running
from tests.daemon.house import until

CANARY = "canary-77aa"


def text(name: str = "photos", **changes: Any) -> str:
    fields = {
        "sync_name": name, "sync_mode": "upload", "local_dir": f"/nowhere/{name}",
        "username": "ana",
        "password": CANARY, "hostname": "https://files.example:8443", "sleep": 1e6,
    }  # fmt: skip
    return orjson.dumps(fields | changes).decode()


def files(tmp_path: Path) -> JobFiles:
    (tmp_path / "jobs").mkdir(exist_ok=True)
    return JobFiles.folder(str(tmp_path / "jobs"), {"HOME": "/home/ana"})


async def refused(daemon: Daemon, **args: Any) -> dict[str, str]:
    raw = await daemon.router.answer(orjson.dumps({"cmd": "job.add", "args": args}))
    assert CANARY.encode() not in raw
    error = orjson.loads(raw)["error"]
    assert isinstance(error, dict)
    return error


async def test_a_job_is_added_and_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = tmp_path / "jobs"
    async with running(tmp_path, files(tmp_path)) as daemon:
        added = await daemon.ask("job.add", text=text("My photos"))
        assert added == {
            "name": "My photos",
            "file": str(place / "my-photos.json"),
            "state": "starting",
        }
        assert (place / "my-photos.json").read_text() == text("My photos")
        await daemon.synced("My photos")
        assert (await daemon.ask("reload"))["jobs"] == [
            {"name": "My photos", "result": "unchanged"}
        ]
        daemon.house.near["My photos"].write("a", b"1")
        await daemon.ask("job.sync", job="My photos")
        await until(lambda: daemon.house.far["My photos"].files())
        await daemon.synced("My photos")

        removed = await daemon.ask("job.remove", job="My photos")
        assert removed == {"name": "My photos", "file": str(place / ".removed" / "my-photos.json")}
        assert Path(removed["file"]).read_text() == text("My photos")
        assert os.listdir(place) == [".removed"]
        assert daemon.gone == ["My photos"] and daemon.house.jobs.get("My photos") is None
        assert await daemon.ask("job.show", job="My photos") == "unknown_job"
        assert [row.event.path for row in Events(daemon.house.database).since(0, 9)] == ["a"]
        assert [
            row["path"] for row in (await daemon.ask("job.history", job="My photos"))["rows"]
        ] == ["a"]
        assert (await daemon.ask("reload"))["jobs"] == []
    assert CANARY not in caplog.text


async def test_it_may_wait_for_its_start(tmp_path: Path) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        assert (await daemon.ask("job.add", text=text(), paused=True))["state"] == "paused"
        row = daemon.house.jobs.get("photos")
        assert row is not None and row.paused, "also after a restart"
        await daemon.ask("job.start", job="photos")
        await daemon.synced("photos")


async def test_every_problem_is_told_with_its_line_and_nothing_is_left(tmp_path: Path) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        fields = [
            '"sync_name": "x"',
            '"sync_mode": "both"',
            '"local_dir": "here"',
            f'"password": "{CANARY}"',
        ]
        bad = "{\n" + ",\n".join(fields) + "}"
        error = await refused(daemon, text=bad, name="x.json")
        assert error["code"] == "bad_config"
        lines = error["message"].splitlines()
        assert (
            'x.json:3: sync_mode: "both" is not allowed '
            '(expected: "upload", "download" or "bidirectional")'
        ) in lines
        assert (
            "x.json:4: local_dir: 'here' is relative, but the file is sent to another folder; "
            "write an absolute path"
        ) in lines
        assert any("hostname: is missing" in line for line in lines)
        assert any("username: is missing" in line for line in lines)
        assert (await refused(daemon, text="not json"))["code"] == "bad_config"
        assert (await refused(daemon, text=text(password=None, password_file="secret")))[
            "message"
        ].startswith("the text:1: password_file: 'secret' is relative")
    assert os.listdir(tmp_path / "jobs") == []


async def test_home_is_no_relative_path(tmp_path: Path) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        await daemon.ask("job.add", text=text(local_dir="~/photos"))
        assert daemon.jobs.get("photos").supervisor.settings.local_dir == "/home/ana/photos"


async def test_names_and_folders_that_are_taken(tmp_path: Path) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        await daemon.ask("job.add", text=text("a"))
        # Not read yet, but there: the next start would find two of one name.
        (tmp_path / "jobs" / "waits.json").write_text(text("b"))
        error = await refused(daemon, text=text("a"), name="new.json")
        assert error["message"].splitlines()[0] == (
            f'new.json: sync_name: "a" is also the name of the job in {tmp_path}/jobs/a.json '
            "(rename one of them)"
        )
        assert (
            "overlaps with"
            in (await refused(daemon, text=text("c", local_dir="/nowhere/a/sub")))["message"]
        )
        assert (
            "is also the name"
            in (await refused(daemon, text=text("b", local_dir="/else")))["message"]
        )
        assert sorted(os.listdir(tmp_path / "jobs")) == ["a.json", "waits.json"]


async def test_what_cannot_be_loaded_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:

        async def broken(*_: object) -> None:
            raise OSError("no memory")

        monkeypatch.setattr(daemon.jobs, "_build", broken)
        assert await daemon.ask("job.add", text=text()) == "internal"
        assert os.listdir(tmp_path / "jobs") == [] and daemon.jobs.all == {}


async def test_a_file_that_cannot_be_moved_keeps_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        await daemon.ask("job.add", text=text())
        (tmp_path / "jobs" / ".removed").write_text("a file where a folder is needed")
        assert await daemon.ask("job.remove", job="photos") == "not_a_folder"
        await daemon.synced("photos")
        assert (tmp_path / "jobs" / "photos.json").exists()


async def test_a_job_whose_file_was_deleted_by_hand_is_removed_too(tmp_path: Path) -> None:
    async with running(tmp_path, files(tmp_path)) as daemon:
        await daemon.ask("job.add", text=text())
        (tmp_path / "jobs" / "photos.json").unlink()
        assert await daemon.ask("job.remove", job="photos") == {"name": "photos", "file": ""}
        assert daemon.jobs.all == {}


async def test_a_daemon_of_one_job_takes_no_other(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(text("one"))
    async with running(tmp_path, JobFiles.one(str(tmp_path / "one.json"), {})) as daemon:
        assert await daemon.ask("job.add", text=text("two")) == "one_job"
        assert await daemon.ask("job.remove", job="one") == "one_job"
        await daemon.synced("one")


async def test_a_file_with_a_typo_is_a_row_that_can_be_corrected_or_removed(tmp_path: Path) -> None:
    place = files(tmp_path)
    photos, music = tmp_path / "jobs" / "photos.json", tmp_path / "jobs" / "music.json"
    photos.write_text(text("My photos", sleep="x"))
    music.write_text("{nope")
    photos.chmod(0o600)
    async with running(tmp_path, place) as daemon:
        rows = (await daemon.ask("job.list"))["jobs"]
        shown = [(row["name"], row["state"], row["code"], row["errors"]) for row in rows]
        assert shown == [
            ("music", "error", "bad_settings", 1),
            ("photos", "error", "bad_settings", 1),
        ]
        assert f"{photos}:1: sleep: must be a number" in rows[1]["detail"]
        status = await daemon.ask("status")
        assert (status["state"], status["jobs"]) == ("error", {"error": 2})
        assert [job.name for job in daemon.house.refused] == ["music", "photos"]
        whole = await daemon.ask("job.show", job="photos")
        assert [cause["code"] for cause in whole["causes"]] == ["bad_settings"]
        for cmd in ("job.start", "job.pause", "job.sync", "job.approve", "job.plan", "job.test"):
            assert await daemon.ask(cmd, job="photos") == "bad_config"
        assert (await daemon.ask("callback.list", job="photos"))["callbacks"] == []
        assert (await daemon.ask("job.pause"))["jobs"] == []
        assert daemon.jobs.known() is None, "no job may count as one without a file"

        assert await daemon.ask("job.reload", job="photos") == "bad_config"
        await daemon.ask("reload")
        assert len(daemon.house.refused) == 2, "what was told already is not told again"
        photos.write_text(text("My photos", sleep=-1))
        assert await daemon.ask("job.reload", job="photos") == "bad_config"
        assert [job.name for job in daemon.house.refused][2:] == ["photos"]
        photos.write_text(text("My photos"))
        reloaded = await daemon.ask("job.reload", job="photos")
        assert reloaded["jobs"] == [{"name": "My photos", "state": "starting"}]
        assert await daemon.ask("job.show", job="photos") == "unknown_job"

        photos.write_text(text("My photos", sleep="x"))
        assert await daemon.ask("job.reload", job="My photos") == "bad_config"
        whole = await daemon.ask("job.show", job="My photos")
        assert whole["warnings"][0].startswith(f"the old settings hold: {photos}:1: sleep")
        photos.write_text(text("My photos"))
        await daemon.ask("reload")
        assert (await daemon.ask("job.show", job="My photos"))["warnings"] == []

        removed = await daemon.ask("job.remove", job="music")
        assert removed["file"] == str(tmp_path / "jobs" / ".removed" / "music.json")
        assert list((await daemon.ask("status"))["jobs"]) != ["error"]
        assert daemon.gone == ["photos", "music"]
        assert daemon.jobs.known() == {"My photos"}


async def test_a_new_job_may_have_the_name_of_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    place = files(tmp_path)
    (tmp_path / "jobs" / "photos.json").write_text("{nope")
    async with running(tmp_path, place) as daemon:
        await daemon.ask("job.add", text=text("photos"))
        await daemon.synced("photos")
        rows = (await daemon.ask("job.list"))["jobs"]
        assert [row["name"] for row in rows] == ["photos", "photos.json"]
        assert [row["code"] for row in rows] == ["", "bad_settings"]
