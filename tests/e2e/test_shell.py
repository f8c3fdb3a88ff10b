"""The interactive client in a real terminal, with a daemon of its own, at a real server over
TLS."""

import os
import re
from pathlib import Path

import pytest

from tests.cargo_ctl.shell.terminal import CTRL_C, screen
from tests.e2e.processes import PASSWORD, USER, Place

BIG = 24_000_000


@pytest.fixture
def sealed(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A server with a certificate of its own; the address that people type."""
    settings = {
        "listen": f"127.0.0.1:{place.api}",
        "initial_port": place.lanes,
        "state_dir": str(tmp_path / "server"),
        "settle": 0.1,
        "users": [{"username": USER, "password": PASSWORD, "path": str(place.files)}],
    }
    place.write("server.json", settings)
    for folder in ("home", "here"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CARGO_RUNTIME_DIR", str(place.runtime))
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "CARGO_CONTROL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path / "here")
    place.start("server")
    return f"https://127.0.0.1:{place.api}"


def test_a_person_at_a_terminal(place: Place, sealed: str, tmp_path: Path) -> None:
    content = os.urandom(BIG)
    (place.files / "big.bin").write_bytes(content)
    (place.files / "my docs").mkdir()
    (place.files / "my docs/a b.txt").write_bytes(b"words")
    with screen("cargoclient", "--mode=client", f"--host={sealed}") as shown:
        shown.wait("Cargo Client Interactive")
        before = shown.wait("Is it the same? [y/N] ")
        printed = re.search(r"sha256:[0-9a-f]{64}", (place.folder / "server.log").read_text())
        assert printed is not None
        assert printed[0] in before
        shown.type("y")
        shown.wait("Username: ")
        shown.type(USER)
        shown.wait("Password: ")
        shown.type(PASSWORD)
        shown.wait("cargo>")
        shown.type("get -r 'my docs'")
        shown.wait("my docs: 5 B in")
        shown.wait("cargo>")
        shown.type("speed 12mbps")  # it takes 16 s, also where Ctrl-C comes late
        shown.wait("speed: 12mbps")
        shown.wait("cargo>")
        shown.type("get big.bin")
        shown.wait("MB/s, ")
        shown.press(CTRL_C)
        shown.wait("of 24.0 MB; repeat the command to resume")
        shown.wait("cargo>")
        shown.type("speed 60mbps")
        shown.wait("cargo>")
        shown.type("get big.bin")
        shown.wait("big.bin: resumes at ")
        shown.wait("big.bin: 24.0 MB in")
        shown.wait("cargo>")
        shown.type("put -o sent.bin big.bin &")
        shown.type("quit")
        assert shown.end() == 0
    assert (tmp_path / "here/big.bin").read_bytes() == content
    assert (tmp_path / "here/my docs/a b.txt").read_bytes() == b"words"
    # The daemon is gone with the client, and nothing lies about.
    assert sorted(os.listdir(tmp_path / "here")) == ["big.bin", "my docs"]
    assert os.listdir(place.runtime) == ["server"]
