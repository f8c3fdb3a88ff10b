"""A server and a daemon as people run them: what survives being killed, paused, misconfigured."""

import json
import os
from pathlib import Path
from typing import Any

import zmq

from cargo_sync.api.client import CommandError
from tests.e2e.processes import Place, tree

MIB = 2**20
RANGE = 64 * MIB


def write_large(path: Path, size: int) -> None:
    """A file whose every MiB differs."""
    rest = os.urandom(MIB - 8)
    with open(path, "wb") as file:
        for number in range(size // MIB):
            file.write(number.to_bytes(8, "big") + rest)


def same(one: Path, other: Path) -> bool:
    with open(one, "rb") as first, open(other, "rb") as second:
        while True:
            mine, theirs = first.read(MIB), second.read(MIB)
            if mine != theirs:
                return False
            if not mine:
                return True


def edit(place: Place, job: str, **changes: Any) -> None:
    """Changes a job file, and has it read again."""
    path = place.jobs / f"{job}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    place.call("job.reload", job=job)


def test_killed_in_the_middle_of_a_file_the_daemon_goes_on_from_its_checkpoint(place: Place) -> None:
    local = place.job("large", speed="640mbps")
    write_large(local / "large.bin", 160 * MIB)
    place.start("server")
    place.start("daemon")
    place.until(lambda: place.checkpoints("server"), "a range is durable")
    place.kill("daemon")
    assert not (place.files / "large.bin").exists()

    place.job("large", speed="40mbps")  # so slow that what was sent before shows
    place.start("daemon")
    with place.feed("job/large/progress") as feed:
        first = next(message.fields for _, message in feed if message.fields["bytes_done"])
    assert first["bytes_done"] >= RANGE
    edit(place, "large", speed=None)
    place.until_state("large", "synced")
    assert same(local / "large.bin", place.files / "large.bin")
    assert place.events("uploaded") == ["large.bin"]


def test_killed_in_the_middle_of_many_files_the_server_is_waited_for(place: Place) -> None:
    local = place.job("many", speed="20mbps")
    for number in range(5000):
        (local / f"{number:04d}").write_bytes(b"%d" % number * 200)
    place.start("server")
    place.start("daemon")
    place.until(lambda: (place.files / "0000").exists(), "the first batch arrives")
    place.kill("server")
    place.until_state("many", "error")
    assert len(tree(place.files)) < 5000
    place.start("server")
    place.call("job.sync", job="many")
    place.until_state("many", "synced")
    assert tree(place.files) == tree(local)
    told = place.events("uploaded") + place.events("adopted")
    assert sorted(told) == sorted(tree(local)), "each file is told of once"
    assert not (place.files / ".cargo_sync" / "trash").exists(), "nothing was displaced: nothing came twice"


def test_pause_holds_across_a_restart_and_start_goes_on(place: Place) -> None:
    local = place.job("large", speed="80mbps")
    write_large(local / "large.bin", 40 * MIB)
    place.start("server")
    place.start("daemon")
    place.until(lambda: place.call("transfer.list")["transfers"], "the file is on its way")
    assert place.run("cargo_ctl.main", "job", "pause", "large").stdout == "large: paused\n"
    place.until(lambda: not place.call("transfer.list")["transfers"], "the file stands still")
    assert place.checkpoints("server") == 1
    assert place.stop("daemon") == 0
    place.start("daemon")
    assert place.shown("large")["state"] == "paused"
    edit(place, "large", speed=None)
    assert place.shown("large")["state"] == "paused"
    place.call("job.start", job="large")
    place.until_state("large", "synced")
    assert same(local / "large.bin", place.files / "large.bin")


def test_both_ways_and_what_another_program_puts_there(place: Place) -> None:
    up, down = place.job("up", remote_dir="/a"), place.job("down", "download", remote_dir="/a")
    (up / "sub").mkdir()
    (up / "sub" / "naïve 📦.txt").write_text("one")
    place.start("server")
    place.start("daemon")
    place.until(lambda: tree(down) == tree(up), "the file comes up and down again")
    (place.files / "a" / "copied.txt").write_text("two")
    place.until(lambda: "copied.txt" in tree(down), "what was copied there is noticed")
    assert "copied.txt" not in tree(up)
    assert place.stop("daemon") == 0
    assert place.stop("server") == 0


def test_a_wrong_password_is_said_and_harms_no_other_job(place: Place) -> None:
    place.job("wrong", password="canary-not-this")
    local = place.job("right", remote_dir="/right")
    (local / "a.txt").write_text("1")
    place.start("server")
    place.start("daemon")
    shown = place.until_state("wrong", "error")
    assert "password" in shown["detail"] and shown["next_at"] is not None
    place.until_state("right", "synced")
    edit(place, "wrong", password="canary-9b1e")
    place.until_state("wrong", "synced")
    logged = "".join(path.read_text() for path in place.folder.glob("*.log"))
    assert "canary" not in logged and "canary" not in json.dumps(place.shown("wrong"))


def test_orders_of_old_scripts(place: Place) -> None:
    place.job("my job")
    place.start("server")
    place.start("daemon")
    place.until_state("my job", "synced")

    def order(text: str) -> str:
        with zmq.Context() as context, context.socket(zmq.REQ) as socket:
            socket.connect(place.commands)
            socket.send_string(text)
            return socket.recv_string()

    assert order("PAUSE my job") == "PAUSED"
    assert [(job["name"], job["state"]) for job in json.loads(order("LIST-JOBS"))] == [("my job", "paused")]
    assert order("START") == "RUNNING"
    assert order("RELOAD my job") == "RELOADED"
    assert order("PAUSE another").startswith("ERROR: there is no job")


def test_files_come_and_go_while_the_daemon_runs(place: Place) -> None:
    place.job("first")
    place.start("server")
    place.start("daemon")
    place.until_state("first", "synced")
    place.job("second", remote_dir="/second")
    (place.jobs / "bad.json").write_text('{"sync_name": "bad"}')
    reloaded = place.call("reload")
    assert [(job["name"], job["result"]) for job in reloaded["jobs"]] == [
        ("first", "unchanged"), ("second", "added"),
    ]  # fmt: skip
    assert all("bad.json" in error for error in reloaded["errors"])
    place.until_state("second", "synced")
    (place.jobs / "first.json").unlink()
    assert {job["name"]: job["result"] for job in place.call("reload")["jobs"]}["first"] == "removed"
    try:
        place.shown("first")
    except CommandError as error:
        assert error.code == "unknown_job"
    else:
        place.fail("the job is still there")


def test_files_that_cannot_be_used_end_the_commands_with_2(place: Place) -> None:
    bad = place.write("bad.json", {"sync_name": "a", "sync_mode": "uplaod", "listen": 1})
    for command in (["daemon", "--job", bad], ["daemon", "--config", bad], ["server", "--config", bad]):
        done = place.run("cargo_sync.main", *command)
        assert (done.returncode, done.stdout) == (2, "")
        assert all(line.startswith(bad) for line in done.stderr.splitlines())


def test_a_second_daemon_is_refused_by_name(place: Place) -> None:
    place.start("daemon")
    done = place.run("cargo_sync.main", "daemon", "--config", str(place.folder / "daemon.json"))
    assert done.returncode == 1
    assert 'already running as "daemon"' in done.stderr
