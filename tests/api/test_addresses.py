import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.api.addresses import (
    AddressError,
    Addresses,
    find,
    instance_addresses,
    is_live,
    job_instance,
    runtime_dir,
    runtime_dirs,
)


@pytest.fixture
def short() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        yield folder


def listen(runtime: str, instance: str) -> socket.socket:
    folder = Path(runtime, instance)
    folder.mkdir(parents=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "commands"))
    listener.listen()
    return listener


def test_where_the_runtime_folder_is(tmp_path: Path) -> None:
    own = f"/scratch/cargo_sync-{os.getuid()}"
    session = {"XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": "/scratch"}
    assert runtime_dirs(session) == [f"{tmp_path}/cargo_sync", own]
    assert runtime_dirs({"TMPDIR": "/scratch"}) == [own]
    assert runtime_dirs({"XDG_RUNTIME_DIR": f"{tmp_path}/absent", "TMPDIR": "/scratch"}) == [own]
    assert runtime_dir(session | {"CARGO_RUNTIME_DIR": "/elsewhere"}) == "/elsewhere"


def test_the_addresses_of_an_instance() -> None:
    addresses = instance_addresses("/run/x", "daemon")
    assert addresses == Addresses("ipc:///run/x/daemon/commands", "ipc:///run/x/daemon/feed")
    assert (addresses.folder, addresses.instance) == ("/run/x/daemon", "daemon")


@pytest.mark.parametrize("instance", ["", ".", "..", "a/b", "a\0b"])
def test_an_instance_names_a_folder(instance: str) -> None:
    with pytest.raises(AddressError, match="cannot be the name of an instance"):
        instance_addresses("/run/x", instance)


def test_a_path_too_long_says_so() -> None:
    assert len(instance_addresses("/" + "r" * 90, "daemon").commands) == len("ipc://") + 107
    with pytest.raises(
        AddressError, match=r"has 108 bytes, the system allows 107: /rrr.*CARGO_RUNTIME_DIR"
    ):
        instance_addresses("/" + "r" * 91, "daemon")


def test_a_job_files_instance_is_short_and_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert job_instance("a.json") == job_instance(f"{tmp_path}/./a.json")
    assert job_instance("a.json") != job_instance("b.json")
    assert len(job_instance("a.json")) == 12


def test_a_socket_that_nobody_listens_on_is_not_live(short: str) -> None:
    address = instance_addresses(short, "daemon").commands
    assert not is_live(address)
    with listen(short, "daemon"):
        assert is_live(address)
    assert os.path.exists(address.removeprefix("ipc://"))
    assert not is_live(address)


def test_one_live_instance_is_taken(short: str) -> None:
    env = {"CARGO_RUNTIME_DIR": short}
    assert find(None, env) is None
    with listen(short, "9f3a"):
        assert find(None, env) == instance_addresses(short, "9f3a")


def test_both_places_are_looked_at(short: str) -> None:
    Path(short, "session").mkdir()
    env = {"XDG_RUNTIME_DIR": f"{short}/session", "TMPDIR": short}
    with (
        listen(f"{short}/cargo_sync-{os.getuid()}", "daemon"),
        listen(f"{short}/session/cargo_sync", "9f3a"),
    ):
        assert find("9f3a", env) == instance_addresses(f"{short}/session/cargo_sync", "9f3a")
        assert find("daemon", env) == instance_addresses(
            f"{short}/cargo_sync-{os.getuid()}", "daemon"
        )


def test_several_are_listed_with_a_request_to_choose(short: str) -> None:
    with listen(short, "daemon"), listen(short, "9f3a"), pytest.raises(AddressError) as caught:
        find(None, {"CARGO_RUNTIME_DIR": short})
    assert str(caught.value) == (
        "several daemons are running; choose one with --connect NAME:\n"
        f"  9f3a           ipc://{short}/9f3a/commands\n"
        f"  daemon         ipc://{short}/daemon/commands"
    )


@pytest.mark.parametrize("connect", ["x", "/run/c/x", "/run/c/x/", "ipc:///run/c/x/commands"])
def test_what_may_be_connected_to(connect: str) -> None:
    env = {"CARGO_RUNTIME_DIR": "/run/c", "CARGO_CONTROL": "other"}
    assert find(connect, env) == instance_addresses("/run/c", "x")
    assert find(None, env | {"CARGO_CONTROL": connect}) == instance_addresses("/run/c", "x")


@pytest.mark.parametrize(
    "connect", ["ipc:///run/c/x/feed", "tcp://127.0.0.1", "http://127.0.0.1:5556"]
)
def test_what_may_not_be_connected_to(connect: str) -> None:
    with pytest.raises(AddressError):
        find(connect, {})
