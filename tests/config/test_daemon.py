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
            "listen": "localhost:5556",
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
        "control": {"listen": "65535", "lissen": 1},
    }
    assert problems(load_daemon, write(tmp_path, content)) == [
        'jobs_dirs: is not a field here (did you mean "jobs_dir"?)',
        "parallel_transfers: must be at least 1 (expected: a whole number, 1 or more)",
        'bandwidth: "fast" is not a speed (expected: a number and bps, kbps, mbps or gbps, such '
        'as "10mbps")',
        "control.listen: the port must be at most 65534: the feed uses the next one (expected: "
        "an address "
        'and port such as "127.0.0.1:5556", or a port alone such as "5556")',
        'control.lissen: is not a field here (did you mean "listen"?)',
    ]
    assert problems(load_daemon, write(tmp_path, {"parallel_transfers": 1.5, "control": 3})) == [
        "parallel_transfers: must be a whole number, not a number (expected: a whole number, 1 "
        "or more)",
        "control: must be an object, not a number (expected: an object)",
    ]
