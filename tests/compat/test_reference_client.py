"""The Cargo client's interactive mode, as its page and its users know it: every documented
command."""

from pathlib import Path

import pytest

from cargo_ctl.shell.table import VERBS
from tests.cargo_ctl.conftest import here, runtime
from tests.cargo_ctl.session.far import PASSWORD, Far
from tests.cargo_ctl.shell.scripts import transcript
from tests.cargo_ctl.shell.terminal import screen

__all__ = ["here", "runtime"]

DOCUMENTED = [
    ("help", ""), ("delete", "<file|dir>"), ("mkdir", "<dir>"), ("ls", ""), ("!ls", ""),
    ("cwd", ""),
    ("!cwd", ""), ("cd", "<dir>"), ("!cd", "<dir>"), ("get", "<file>"), ("put", "<file>"),
    ("speed", "<value mbps|kbps|bps>"), ("quit", ""),
]  # fmt: skip


@pytest.fixture
def far(runtime: str, here: Path) -> Far:
    return Far({"a.txt": b"one", "docs/b.txt": b"two"})


def test_the_session_as_it_begins_there(far: Far, runtime: str) -> None:
    with (
        far.running(runtime),
        screen("cargoclient", "--mode=client", "--host=https://files.example") as shown,
    ):
        shown.wait("Cargo Client Interactive")
        shown.wait("Username:")
        shown.type("ana")
        shown.wait("Password:")
        shown.type(PASSWORD)
        assert PASSWORD not in shown.wait("cargo>")
        shown.type("help")
        shown.wait("COMMAND")
        shown.wait("ARGUMENT")
        shown.wait("cargo>")
        shown.type("quit")
        assert shown.end() == 0


def test_help_is_a_table_of_all_documented_commands(far: Far, runtime: str) -> None:
    with far.running(runtime):
        lines = transcript("help\n").splitlines()
    assert lines[0].split() == ["COMMAND", "ARGUMENT", "DESCRIPTION"]
    listed = {line.split()[0]: line for line in lines[1:]}
    verbs = {verb.name: verb for verb in VERBS}
    for name, argument in DOCUMENTED:
        assert argument in listed[name]
        assert verbs[name].does in listed[name]
        assert verbs[name].least <= (
            1 if argument else 0
        )  # it takes what is documented, and no more is needed


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("ls", "a.txt\ndocs/"),
        ("!ls", "local.txt"),
        ("cwd", "/"),
        ("!cwd", "{here}"),
        ("cd docs\ncwd\nls", "/docs\nb.txt"),
        ("!cd ..\n!cwd", "{parent}"),
        ("mkdir new\nls", "created /new\na.txt\ndocs/\nnew/"),
        ("delete a.txt\nls", "deleted /a.txt; it is in the server's trash\ndocs/"),
        ("delete docs\nls", "deleted /docs; it is in the server's trash\na.txt"),
        ("get a.txt\n!ls", "a.txt: 3 B in 0 s\na.txt\nlocal.txt"),
        ("put local.txt\nls", "local.txt: 5 B in 0 s\na.txt\ndocs/\nlocal.txt"),
        ("speed 4mbps", "speed: 4mbps; the server grants 8mbps"),
        ("speed 500kbps", "speed: 500kbps; the server grants 8mbps"),
        ("speed 9000 bps", "speed: 9kbps; the server grants 8mbps"),
        ("quit\nls", ""),
    ],
)
def test_every_documented_command(
    far: Far, runtime: str, here: Path, line: str, shown: str
) -> None:
    (here / "local.txt").write_bytes(b"local")
    with far.running(runtime):
        assert transcript(f"{line}\n") == shown.format(here=here, parent=here.parent)
