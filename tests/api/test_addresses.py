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
    folder.mkdir(mode=0o700, parents=True)
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


@pytest.mark.parametrize("connect", [None, "daemon"])
def test_a_folder_of_this_user_that_others_may_use_is_not_used_by_name(
    short: str, connect: str | None
) -> None:
    env = {"TMPDIR": short}
    own = Path(short, f"cargo_sync-{os.getuid()}")
    with listen(str(own), "daemon"):
        assert find(connect, env) == instance_addresses(str(own), "daemon")
        Path(own, "daemon").chmod(0o770)
        if connect is None:
            assert find(connect, env) is None
        else:
            with pytest.raises(AddressError, match=r"not used: others may use .* \(mode 0770\)"):
                find(connect, env)


@pytest.mark.parametrize("scheme", ["{}", "ipc://{}/commands"])
def test_a_folder_by_its_path_may_be_open_to_a_group_but_nobody_else_may_write_above_it(
    short: str, scheme: str
) -> None:
    with listen(f"{short}/run", "daemon"):
        folder = Path(short, "run", "daemon")
        folder.chmod(0o750)
        chosen = scheme.format(folder)
        assert find(chosen, {}) == instance_addresses(f"{short}/run", "daemon")
        Path(short).chmod(0o777)
        for connect, env in ((chosen, {}), (None, {"CARGO_CONTROL": chosen})):
            with pytest.raises(AddressError, match=f"others may write to {short} "):
                find(connect, env)
        assert find(None, {"CARGO_RUNTIME_DIR": f"{short}/run"}) is None


def test_a_process_of_another_user_is_named(short: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.getuid()
    monkeypatch.setattr("os.getuid", lambda: here + 1)
    runtime = f"{short}/cargo_sync-{here + 1}"
    with listen(runtime, "daemon"):
        for connect, env in (
            (f"{runtime}/daemon", {}),
            ("daemon", {"CARGO_RUNTIME_DIR": runtime}),
            (None, {"CARGO_RUNTIME_DIR": runtime}),
        ):
            found = find(connect, env)
            assert found is not None and found.foreign == here
        with pytest.raises(AddressError, match=f"belongs to another user \\(uid {here}\\)"):
            find("daemon", {"TMPDIR": short})
        assert find(None, {"TMPDIR": short}) is None


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
