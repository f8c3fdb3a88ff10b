"""Key files: which are accepted, and how others are refused."""

import json
from pathlib import Path

import pytest
import zmq

from cargo_sync.api.addresses import AddressError, Addresses, find
from cargo_sync.api.keys import ClientKey, KeyFileError, is_key, is_key_name, key_text, read_key
from cargo_sync.api.line import new_pair

SERVER, PUBLIC, SECRET = "s" * 40, "p" * 40, "c" * 40
KEY = ClientKey("tcp://box:5556", SERVER, PUBLIC, SECRET, "watch", "laptop")


def stored(folder: Path, content: bytes, mode: int = 0o600) -> str:
    path = folder / "laptop.key"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def test_a_key_comes_back_as_it_was_and_shows_no_secret(tmp_path: Path) -> None:
    assert read_key(stored(tmp_path, key_text(KEY))) == KEY
    assert SECRET not in repr(KEY)
    later = json.loads(key_text(KEY)) | {"something": "new"}
    assert read_key(stored(tmp_path, json.dumps(later).encode())) == KEY


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        key_text(KEY).replace(b"c" * 40, b"c" * 39),
        b"{}",
        key_text(KEY).replace(b'"tcp://box:5556"', b"7"),
    ],
)
def test_what_is_no_key_file(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(
        KeyFileError, match=r"laptop.key is not a key file: `cargo_ctl key add` writes one"
    ):
        read_key(stored(tmp_path, content))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    path = stored(tmp_path, key_text(KEY), mode)
    with pytest.raises(
        KeyFileError, match=rf"others may read the key .*\(mode {mode:04o}\); run: chmod 600"
    ):
        read_key(path)


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read: No such file"):
        read_key(str(tmp_path / "none.key"))
    with pytest.raises(KeyFileError):
        read_key(str(tmp_path))


def test_keys_and_names() -> None:
    assert all(is_key(half) for _ in range(20) for half in new_pair())
    assert is_key("0" * 40)
    for wrong in ("", "0" * 39, "0" * 41, "~" * 40, "#" * 40, "é" * 40, None, 7):
        assert not is_key(wrong)
    assert is_key("%nSc0" * 8) and not is_key("%nSc1" * 8)  # 2**32 - 1 and one more
    assert zmq.curve_public(b"0" * 40)
    for name in ("laptop", "ana@box", "übung-1_2.3", "x" * 64):
        assert is_key_name(name)
    for name in ("", "x" * 65, "a b", "a/b", "a\n", "a\x1b"):
        assert not is_key_name(name)


def test_ports_and_keys_are_found(tmp_path: Path) -> None:
    path = stored(tmp_path, key_text(KEY))
    env = {"HOME": str(tmp_path), "CARGO_RUNTIME_DIR": str(tmp_path)}
    mine = Addresses("tcp://box:5556", "tcp://box:5557", KEY)
    other = Addresses("tcp://other:7000", "tcp://other:7001", KEY)
    assert find(path, env) == find(None, env, key=path) == mine
    assert find("tcp://other:7000", env, key=path) == other
    assert find("tcp://other:7000", env | {"CARGO_KEY": path}) == other
    assert find(None, env | {"CARGO_CONTROL": "tcp://other:7000", "CARGO_KEY": path}) == other
    assert find("tcp://[::1]:7000", env) == Addresses("tcp://[::1]:7000", "tcp://[::1]:7001")
    with pytest.raises(AddressError, match="others may read"):
        Path(path).chmod(0o644)
        find(path, env)


@pytest.mark.parametrize(
    "address",
    [
        "tcp://",
        "tcp://box",
        "tcp://box:0",
        "tcp://box:65535",
        "tcp://box:x",
        "tcp://box:1/a",
        "tcp://a@box:1",
    ],
)
def test_what_is_no_port(address: str) -> None:
    with pytest.raises(
        AddressError, match=r"is not the address of a port, such as tcp://127.0.0.1:5556"
    ):
        find(address, {"HOME": "/none"})
