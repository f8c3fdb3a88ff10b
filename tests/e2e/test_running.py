"""A server and a daemon that stay up for all of these tests: each has jobs of its own."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from cargo_sync.api.client import CommandError
from tests.e2e import processes
from tests.e2e.processes import PASSWORD, PATIENCE, Place, tree


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with processes.place(tmp_path_factory.mktemp("up")) as place:
        place.start("server")
        place.start("daemon")
        yield place
        assert (place.stop("daemon"), place.stop("server")) == (0, 0)


def test_both_ways_and_what_another_program_puts_there(up: Place) -> None:
    here, there = up.job("up", remote_dir="/a"), up.job("down", "download", remote_dir="/a")
    (here / "sub").mkdir()
    (here / "sub" / "naïve 📦.txt").write_text("one")
    up.call("reload")
    up.until(lambda: tree(there) == tree(here), "the file comes up and down again")
    (up.files / "a" / "copied.txt").write_text("two")
    up.until(lambda: "copied.txt" in tree(there), "what was copied there is noticed")
    assert "copied.txt" not in tree(here)


def test_a_wrong_password_is_said_and_harms_no_other_job(up: Place) -> None:
    up.job("wrong", password="canary-not-this", remote_dir="/wrong")
    local = up.job("right", remote_dir="/right")
    (local / "a.txt").write_text("1")
    up.call("reload")
    shown = up.until_state("wrong", "error")
    assert "password" in shown["detail"] and shown["next_at"] is not None
    up.until_state("right", "synced")
    up.edit("wrong", password=PASSWORD)
    up.until_state("wrong", "synced")
    logged = "".join(path.read_text() for path in up.folder.glob("*.log"))
    assert "canary" not in logged and "canary" not in json.dumps(up.shown("wrong"))


def test_orders_of_old_scripts(up: Place) -> None:
    up.job("my job", remote_dir="/my job")
    up.call("reload")
    up.until_state("my job", "synced")

    def order(text: str) -> str:
        with zmq.Context() as context, context.socket(zmq.REQ) as socket:
            socket.connect(up.commands)
            socket.send_string(text)
            return socket.recv_string()

    assert order("PAUSE my job") == "PAUSED"
    assert ("my job", "paused") in [
        (job["name"], job["state"]) for job in json.loads(order("LIST-JOBS"))
    ]
    assert order("START") == "RUNNING"
    assert order("RELOAD my job") == "RELOADED"
    assert order("PAUSE another").startswith("ERROR: there is no job")


def test_limits_by_order_in_the_middle_of_a_file(up: Place) -> None:
    local = up.job("paced", remote_dir="/paced", speed="1mbps")
    (local / "large.bin").write_bytes(bytes(10_000_000))  # 80 s
    up.call("reload")
    up.until(lambda: up.call("transfer.list")["transfers"], "it is on its way")
    assert up.shown("paced")["speed"] == {"file": 1_000_000, "now": 1_000_000, "granted": 1_000_000}
    up.call("bandwidth.set", bandwidth="500kbps")
    assert up.shown("paced")["speed"]["granted"] == 500_000
    up.call("bandwidth.set", bandwidth=None)
    told = up.run("cargo_ctl", "job", "speed", "paced", "400mbps").stdout
    assert told.startswith("paced: 400mbps by command (the file says 1mbps)")
    up.until_state("paced", "synced")
    assert up.run("cargo_ctl", "job", "speed", "paced", "reset").stdout == "paced: 1mbps\n"


def test_outside_its_window_a_job_waits(up: Place) -> None:
    hour = (time.gmtime().tm_hour + 12) % 24
    local = up.job(
        "later", remote_dir="/later", start_time=f"{hour}:00", end_time=f"{hour}:30", timezone="UTC"
    )
    (local / "a.txt").write_text("1")
    up.call("reload")
    shown = up.until_state("later", "waiting")
    assert 10 * 3600 < shown["next_at"] - time.time() < 12 * 3600
    refused = up.run("cargo_ctl", "job", "sync", "later")
    assert refused.returncode == 1 and f"{hour:02d}:00, UTC" in refused.stderr
    up.edit("later", start_time=f"{(hour + 11) % 24}:00", end_time=f"{(hour + 14) % 24}:00")
    up.until_state("later", "synced")


def test_job_files_come_and_go(up: Place) -> None:
    up.job("first", remote_dir="/first")
    up.call("reload")
    up.until_state("first", "synced")
    up.job("second", remote_dir="/second")
    bad = Path(up.write("jobs/bad.json", {"sync_name": "bad"}))
    reloaded = up.call("reload")
    bad.unlink()
    results = {job["name"]: job["result"] for job in reloaded["jobs"]}
    assert (results["first"], results["second"], "bad" in results) == ("unchanged", "added", False)
    assert reloaded["errors"] and all(error.startswith(str(bad)) for error in reloaded["errors"])
    up.until_state("second", "synced")
    (up.jobs / "first.json").unlink()
    assert {job["name"]: job["result"] for job in up.call("reload")["jobs"]}["first"] == "removed"
    with pytest.raises(CommandError, match="there is no job"):
        up.shown("first")


def test_the_scripts_of_the_readme(up: Place) -> None:
    readme = Path(__file__).parents[2] / "README.md"
    asks, listens = re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL)
    up.job("asked", remote_dir="/asked")
    up.call("reload")
    up.until_state("asked", "synced")
    done = subprocess.run(
        [sys.executable, "-c", asks, up.commands],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout.startswith("ok\n") and "asked synced" in done.stdout
    feed = up.commands.replace("/commands", "/feed")
    with subprocess.Popen(
        [sys.executable, "-c", listens, feed], stdout=subprocess.PIPE, text=True
    ) as script:
        try:
            assert script.stdout is not None
            topic, _, message = script.stdout.readline().partition(
                " "
            )  # the last value of a topic comes at once
        finally:
            script.kill()
    assert "/" in topic and "'v': 1" in message


def test_one_file_is_cancelled_and_taken_up_again(up: Place) -> None:
    here = up.job("slow", remote_dir="/slow", speed="2mbps")
    (here / "big").write_bytes(bytes(60_000_000))
    (here / "other").write_bytes(b"1")
    up.call("reload")
    seen: dict[str, str] = {}

    def moving() -> bool:
        seen.update({one["path"]: one["id"] for one in up.call("transfer.list")["transfers"]})
        return "big" in seen

    with up.feed("notice/slow/") as feed:
        up.until(moving, "the large file is on its way")
        done = up.run("cargo_ctl", "transfer", "cancel", seen["big"][:9])
        assert done.stdout == f"big of slow: cancelled (transfer {seen['big']})\n"
        up.until_state("slow", "error")
        told = "'big' was cancelled by a person (`cargo_ctl job sync slow` takes it up again)"
        missing = [("uploaded", ["other"], ""), ("error", ["big"], told)]
        while missing:
            message = feed.receive(PATIENCE)
            assert message is not None, missing
            notice = (message.fields["kind"], message.fields["paths"], message.fields["message"])
            missing = [each for each in missing if each != notice]
    assert up.checkpoints("server") == 0
    assert not list((up.files / ".cargo_sync" / "staging").glob("*.part"))
    up.edit("slow", speed="10gbps")
    [cause] = up.until_state("slow", "error")["causes"]
    assert (cause["message"], cause["next_at"]) == (told, None), (
        "other settings are no reason to try again"
    )
    up.call("job.sync", job="slow")
    up.until(lambda: tree(up.files / "slow") == tree(here), "it is brought over after all")
    up.until_state("slow", "synced")


def test_a_job_is_added_tried_and_removed(up: Place) -> None:
    local = up.folder / "added"
    local.mkdir()
    file = up.write("added.json", {
        "sync_name": "added", "sync_mode": "upload", "local_dir": str(local), "username": "ana",
        "password": PASSWORD, "hostname": f"http://127.0.0.1:{up.api}", "remote_dir": "/added",
    })  # fmt: skip
    added = up.run("cargo_ctl", "job", "add", file, "--paused")
    assert (added.returncode, added.stderr) == (0, "")
    assert up.shown("added")["state"] == "paused"
    tried = up.run("cargo_ctl", "job", "test", "added")
    assert tried.returncode == 0, tried.stdout
    lines = tried.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "✓ server", "✓ login", "✓ workspace", "✓ remote folder", "✓ local folder",
        "✓ granted speed", "✓ data port",
        "✓ speed", "✓ clock", "✓ time zone",
    ]  # fmt: skip
    assert "up, measured over HTTP" in tried.stdout and not (up.files / "added").exists()
    local.rmdir()
    tried = up.run("cargo_ctl", "job", "test", "added", "--json")
    assert tried.returncode == 1
    assert [one["name"] for one in json.loads(tried.stdout)["steps"] if not one["ok"]] == [
        "local folder"
    ]
    removed = up.run("cargo_ctl", "job", "remove", "added", "--yes")
    assert str(up.jobs / ".removed" / "added.json") in removed.stdout
    assert "canary" not in added.stdout + tried.stdout + removed.stdout
