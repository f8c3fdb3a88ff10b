import json
from pathlib import Path

import pytest

from cargo_sync.config.daemon import load_daemon
from cargo_sync.config.process_shape import (
    KeepSettings,
    LogSettings,
    MetricsSettings,
    ProcessSettings,
)
from cargo_sync.config.server import load_server
from tests.config.samples import problems, write


@pytest.mark.parametrize("load", [load_daemon, load_server])
def test_log_and_metrics(load: object, tmp_path: Path) -> None:
    assert callable(load)
    content = {
        "log": {"file": "cargo.log", "level": "debug", "max_size": "1.5MB", "keep": 0},
        "metrics": {"listen": "127.0.0.1"},
    }
    assert load(write(tmp_path, content), {"HOME": str(tmp_path)}).process == ProcessSettings(
        LogSettings(f"{tmp_path}/cargo.log", "debug", 1_500_000, 0),
        MetricsSettings("127.0.0.1", 9466),
    )
    assert load(write(tmp_path, {}), {"HOME": str(tmp_path)}).process == ProcessSettings()


def test_how_much_history_stays(tmp_path: Path) -> None:
    path = write(tmp_path, {"keep": {"history_days": 7, "history_rows": 1000}})
    assert load_daemon(path, {"HOME": str(tmp_path)}).keep == KeepSettings(7, 1000)


def test_what_is_wrong(tmp_path: Path) -> None:
    content = {
        "log": {"file": "none/cargo.log", "level": "warn", "max_size": "1kB", "keep": -1},
        "metrics": {"listen": "0.0.0.0:9466"},
        "keep": {"history_rows": "all"},
    }
    assert problems(load_daemon, write(tmp_path, content)) == [
        f"log.file: there is no folder {tmp_path}/none to make cargo.log in",
        'log.level: "warn" is not allowed (did you mean "warning"? expected: "debug", "info", '
        '"warning" or "error")',
        "log.max_size: must be at least 10kB (expected: a number and B, kB, MB, GB or TB, such as "
        '"10MB")',
        "log.keep: must be at least 0 (expected: a whole number from 0 to 1000)",
        "metrics.listen: metrics on 0.0.0.0 show the names of jobs to everybody who reaches it; "
        'listen on 127.0.0.1, or write "allow": true if the network is your own',
        "keep.history_rows: must be a whole number, not text (expected: a whole number, 0 or more)",
    ]
    assert problems(load_daemon, write(tmp_path, {"log": {"file": "."}, "metrics": {}})) == [
        f"log.file: {tmp_path} is not a file",
        'metrics.listen: is missing (expected: an address and port such as "127.0.0.1:9466")',
    ]


def test_metrics_for_a_network_are_warned_of(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps({"metrics": {"listen": "0.0.0.0:1", "allow": True}}))
    [warning] = load_daemon(path, {"HOME": str(tmp_path)}).process.warnings
    assert warning.startswith("metrics on 0.0.0.0:1 are not protected")
