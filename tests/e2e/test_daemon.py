"""A server and a daemon of their own: what survives a kill or a pause, and what is refused at the
start."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.processes import PATIENCE, Place, tree

README = Path(__file__).parents[2] / "README.md"
MIB = 2**20
SLOW = "10mbps"
"""So slow that a large file is still on its way when a busy machine comes to the next step."""
LARGE = 32 * MIB


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


def test_killed_in_the_middle_of_a_file_the_daemon_goes_on_from_its_checkpoint(
    place: Place,
) -> None:
    local = place.job("large", speed=SLOW)
    write_large(local / "large.bin", LARGE)
    place.start("server")
    place.start("daemon")
    place.until(lambda: place.checkpoints("server"), "what came in five seconds is durable")
    place.kill("daemon")
    assert not (place.files / "large.bin").exists()

    place.job("large", speed="500kbps")  # so slow that what was sent before shows
    place.start("daemon")
    with place.feed("job/large/progress") as feed:
        first = next(message.fields for _, message in feed if message.fields["bytes_done"])
    assert first["bytes_done"] >= 2 * MIB, "from its beginning this would take half a minute"
    place.edit("large", speed=None)
    place.until_state("large", "synced")
    assert same(local / "large.bin", place.files / "large.bin")
    assert place.events("uploaded") == ["large.bin"]


def damage(folder: Path) -> None:
    """What a power cut does to files: it cuts or zeroes them, and they keep their times."""
    for name, size in (("cut", 25_000), ("empty", 0)):
        before = (folder / name).stat()
        os.truncate(folder / name, size)
        os.utime(folder / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    before = (folder / "zeros").stat()
    (folder / "zeros").write_bytes(bytes(before.st_size))
    os.utime(folder / "zeros", ns=(before.st_atime_ns, before.st_mtime_ns))


def test_what_a_kill_has_damaged_is_moved_again_and_never_sent(place: Place) -> None:
    good = {name: os.urandom(50_000) for name in ("cut", "empty", "fine", "zeros")}
    up, down = place.job("up", remote_dir="in"), place.job("down", "download", remote_dir="in")
    for name, content in good.items():
        (up / name).write_bytes(content)
    (place.files / "in").mkdir()
    place.start("server")
    place.start("daemon")
    place.until(lambda: len(place.events("downloaded")) == 4, "all files are on both sides")

    place.kill("server")
    damage(place.files / "in")
    place.start("server")
    place.until(lambda: len(place.events("uploaded")) == 7, "three are uploaded again")
    place.until_state("down", "synced")
    assert tree(place.files / "in") == tree(down) == good

    place.kill("daemon")
    damage(up)
    damage(down)
    place.start("daemon")
    place.until(lambda: len(place.events("downloaded")) == 7, "three are fetched again")
    place.until(lambda: place.shown("up")["errors"] == 3, "three are held")
    assert tree(place.files / "in") == tree(down) == good
    assert place.run("cargo_ctl", "job", "approve", "up").returncode == 0
    place.until(lambda: not (place.files / "in" / "empty").stat().st_size, "they are sent")


def test_killed_in_the_middle_of_many_files_the_server_is_waited_for(place: Place) -> None:
    local = place.job("many", speed="2mbps")
    for number in range(2500):
        (local / f"{number:04d}").write_bytes(b"%d" % number * 200)
    place.start("server")
    place.start("daemon")
    place.until(lambda: (place.files / "0000").exists(), "the first batch arrives")
    place.kill("server")
    place.until_state("many", "error")
    assert len(tree(place.files)) < 2500
    place.start("server")
    place.edit("many", speed=None)
    place.until_state("many", "synced")
    assert tree(place.files) == tree(local)
    told = place.events("uploaded") + place.events("adopted")
    assert sorted(told) == sorted(tree(local)), "each file is told of once"
    assert not (place.files / ".cargo_sync" / "trash").exists(), (
        "nothing was displaced: nothing came twice"
    )


def test_pause_holds_across_a_restart_and_start_goes_on(place: Place) -> None:
    local = place.job("large", speed=SLOW)
    write_large(local / "large.bin", LARGE)
    place.start("server")
    place.start("daemon")
    place.until(lambda: place.shown("large")["progress"]["bytes_done"], "the file is on its way")
    assert place.run("cargo_ctl", "job", "pause", "large").stdout == "large: paused\n"
    place.until(lambda: not place.call("transfer.list")["transfers"], "the file stands still")
    place.until(lambda: place.checkpoints("server") == 1, "what came is durable")
    assert place.stop("daemon") == 0
    place.start("daemon")
    assert place.shown("large")["state"] == "paused"
    place.edit("large", speed=None)
    assert place.shown("large")["state"] == "paused"
    place.call("job.start", job="large")
    place.until_state("large", "synced")
    assert same(local / "large.bin", place.files / "large.bin")


def test_files_that_cannot_be_used_end_the_commands_with_2(place: Place) -> None:
    bad = place.write("bad.json", {"sync_name": "a", "sync_mode": "uplaod", "listen": 1})
    for command in (
        ["daemon", "--job", bad],
        ["daemon", "--config", bad],
        ["server", "--config", bad],
    ):
        done = place.run("cargo_sync", *command)
        assert (done.returncode, done.stdout) == (2, "")
        assert all(line.startswith(bad) for line in done.stderr.splitlines())


def test_a_port_is_opened_by_keys_and_what_they_did_is_kept(place: Place) -> None:
    place.job("nightly")
    config = {
        "jobs_dir": str(place.jobs),
        "state_dir": str(place.folder / "daemon"),
        "control": {"listen": "0"},
    }
    place.write("daemon.json", config)
    place.start("daemon")
    path = str(place.folder / "laptop.key")
    assert (
        place.run(
            "cargo_ctl", "key", "add", "laptop", "--role", "control", "--out", path
        ).returncode
        == 0
    )
    assert (
        place.run("cargo_ctl", "--connect", path, "job", "pause", "nightly").stdout
        == "nightly: paused\n"
    )
    address = json.loads(Path(path).read_text())["address"]
    assert the_readmes_script(address, path) == (0, "ok\n")
    code, said = the_readmes_script(address)
    assert (code, "does it need a key?" in said) == (1, True)
    assert place.run("cargo_ctl", "key", "revoke", "laptop").returncode == 0
    refused = place.run("cargo_ctl", "--connect", path, "status")
    assert (refused.returncode, "does not know this key" in refused.stderr) == (1, True)
    place.kill("daemon")
    place.start("daemon")
    rows = place.call("audit")["rows"]
    told = [
        (row["command"], row["args"].get("name") or row["args"]["job"], row["outcome"])
        for row in rows
    ]
    assert told == [
        ("key.add", "laptop", "ok"),
        ("job.pause", "nightly", "ok"),
        ("key.revoke", "laptop", "ok"),
    ]
    assert rows[1]["who"] == 'key "laptop"'
    assert rows[0]["who"].startswith(f"uid {os.getuid()}, process ")
    up = (place.folder / "daemon.log").read_text()
    assert 'the daemon "daemon" is up: commands tcp://127.0.0.1:' in up


def the_readmes_script(*arguments: str) -> tuple[int, str]:
    """The script that asks for jobs: its exit code, and its first line or its error."""
    script = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[0]
    patience = "500" if len(arguments) == 1 else "60_000"  # without a key nothing ever comes
    done = subprocess.run(
        [sys.executable, "-c", script.replace("10_000", patience), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr or done.stdout.splitlines(keepends=True)[0]


def test_a_second_daemon_is_refused_by_name(place: Place) -> None:
    place.start("daemon")
    done = place.run("cargo_sync", "daemon", "--config", str(place.folder / "daemon.json"))
    assert done.returncode == 1
    assert 'already running as "daemon"' in done.stderr
