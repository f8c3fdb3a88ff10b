from pathlib import Path

from cargo_sync.config.control import ControlSettings
from cargo_sync.config.daemon import DaemonSettings, load_daemon
from tests.config.samples import problems, write


def test_without_a_file_everything_has_its_default() -> None:
    assert load_daemon(None, {"HOME": "/home/ana"}) == DaemonSettings(
        state_dir="/home/ana/.local/state/cargo_sync/daemon",
        jobs_dir="/home/ana/.config/cargo_sync/jobs",
    )
    env = {"HOME": "/home/ana", "XDG_STATE_HOME": "/state", "XDG_CONFIG_HOME": "/config"}
    assert load_daemon(None, env) == DaemonSettings(
        "/state/cargo_sync/daemon", "/config/cargo_sync/jobs"
    )


def test_every_field(tmp_path: Path) -> None:
    content = {
        "state_dir": "state",
        "jobs_dir": "${JOBS}/x",
        "parallel_transfers": 2,
        "bandwidth": "100mbps",
        "control": {
            "runtime_dir": "~/run",
            "port": 5556,
            "host": "localhost",
            "plain_loopback": True,
        },
    }
    path = write(tmp_path, content)
    assert load_daemon(path, {"HOME": "/home/ana", "JOBS": "/jobs"}) == DaemonSettings(
        f"{tmp_path}/state",
        "/jobs/x",
        2,
        100_000_000,
        ControlSettings("/home/ana/run", 5556, "localhost", True),
        path,
    )


def test_what_is_wrong(tmp_path: Path) -> None:
    content = {
        "jobs_dirs": "x",
        "parallel_transfers": 0,
        "bandwidth": "fast",
        "control": {"port": 65535, "prt": 1},
    }
    assert problems(load_daemon, write(tmp_path, content)) == [
        'jobs_dirs: is not a field here (did you mean "jobs_dir"?)',
        "parallel_transfers: must be at least 1 (expected: a whole number, 1 or more)",
        'bandwidth: "fast" is not a rate (expected: a number and bps, kbps, mbps or gbps, such as "10mbps")',
        "control.port: must be at most 65534 (expected: a port, 0 to 65534)",
        'control.prt: is not a field here (did you mean "port"?)',
    ]
    assert problems(load_daemon, write(tmp_path, {"parallel_transfers": 1.5, "control": 3})) == [
        "parallel_transfers: must be a whole number, not a number (expected: a whole number, 1 or more)",
        "control: must be an object, not a number (expected: an object)",
    ]
