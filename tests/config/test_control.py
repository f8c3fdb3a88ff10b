"""`control` of a daemon's or a server's file: where commands over TCP are taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.control import ControlSettings
from cargo_sync.config.daemon import load_daemon
from cargo_sync.config.renamed import RENAMED_FIELDS
from cargo_sync.config.server import load_server
from tests.config.samples import problems, write

FORM = 'an address and port such as "127.0.0.1:5556", or a port alone such as "5556"'


def control(folder: Path, **fields: Any) -> ControlSettings:
    return load_daemon(write(folder, {"control": fields}), {"HOME": "/home/ana"}).control


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:5556", "127.0.0.1", 5556),
        ("localhost:0", "localhost", 0),
        ("[::1]:5556", "::1", 5556),
        (":5556", "0.0.0.0", 5556),
        ("5556", "127.0.0.1", 5556),
        (" 65534 ", "127.0.0.1", 65534),
    ],
)
def test_an_address_and_a_port(listen: str, host: str, port: int, tmp_path: Path) -> None:
    assert control(tmp_path, listen=listen) == ControlSettings(None, port, host)


def test_without_listen_there_is_no_port(tmp_path: Path) -> None:
    assert control(tmp_path).port is None
    assert control(tmp_path, plain_loopback=False).port is None


@pytest.mark.parametrize(
    ("listen", "why"),
    [
        (5556, "must be text in quotes, not a number"),
        ("127.0.0.1", "has no port"),
        ("", "has no port"),
        ("65535", "the port must be at most 65534: the feed uses the next one"),
        ("box:5556", '"box" is not an IP address'),
        ("127.0.0.1:x", '"127.0.0.1:x" is not an address and port'),
        ("127.0.0.1:-1", '"127.0.0.1:-1" is not an address and port'),
        ("tcp://127.0.0.1:1", '"tcp://127.0.0.1:1" is not an address and port'),
    ],
)
def test_what_is_no_address_and_port(listen: object, why: str, tmp_path: Path) -> None:
    path = write(tmp_path, {"control": {"listen": listen}})
    assert problems(load_daemon, path) == [f"control.listen: {why} (expected: {FORM})"]


@pytest.mark.parametrize("listen", ["5556", "localhost:1", "[::1]:1"])
def test_a_plain_port_on_loopback(listen: str, tmp_path: Path) -> None:
    assert control(tmp_path, listen=listen, plain_loopback=True).plain_loopback


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "opens a port without keys, but no port is given; add listen, or remove it"),
        (
            {"listen": ":5556"},
            "without keys everybody who reaches 0.0.0.0 could send commands; remove it "
            "(keys are made automatically), or listen on 127.0.0.1",
        ),
    ],
)
def test_a_plain_port_nowhere_else(fields: dict[str, str], why: str, tmp_path: Path) -> None:
    path = write(tmp_path, {"control": {**fields, "plain_loopback": True}})
    assert problems(load_daemon, path) == [f"control.plain_loopback: {why}"]


@pytest.mark.parametrize(("place", "new"), RENAMED_FIELDS.items())
def test_an_old_name_is_an_error_that_names_the_new_one(
    place: str, new: str, tmp_path: Path
) -> None:
    owner, old = place.split(".")
    loads: list[Callable[..., object]] = [load_daemon]
    if owner == "control":
        loads.append(load_server)
    for load in loads:
        assert problems(load, write(tmp_path, {owner: {old: 1}})) == [
            f'{place}: is not a field here (did you mean "{new}"?)'
        ]
