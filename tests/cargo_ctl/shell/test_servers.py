"""The commands open and close, and what Tab offers after open."""

from pathlib import Path

import pytest

from cargo_ctl.shell.completion import SCHEMES, Sources, candidates
from cargo_ctl.shell.location import Location
from cargo_sync.config.remote_address import RemoteAddress
from tests.cargo_ctl.session.far import Far
from tests.cargo_ctl.shell.scripts import script, transcript

LOGIN = "--user ana --password-file ~/secret"


@pytest.fixture
def far(runtime: str, here: Path) -> Far:
    return Far({"a.txt": b"one", "docs/c.txt": b"two"})


def test_another_server_is_opened_and_none(far: Far, runtime: str, here: Path) -> None:
    (here / "cloud.json").write_text('{"endpoint": "https://x"}')
    (here / "cloud.json").chmod(0o600)
    with far.running(runtime):
        told = transcript(
            "open\ncd docs\nclose\nopen\nls\nclose\n"
            f"open sftp://nas/films {LOGIN} --host-key SHA256:{'a' * 43}\ncwd\nls\n"
            "open cloud+gs://b --options-file cloud.json\n",
            "--keep-going",
        )
    assert told.splitlines() == [
        "ana at https://files.example:8443, workspace default",
        "closed https://files.example:8443",
        "no server is open",
        "ana at https://files.example:8443, workspace default",
        "/",
        "a.txt",
        "docs/",
        "! no server is open (open URL opens one)",
        "! no server is open (open URL opens one)",
        "! the server does not know this name and password",
        "exit 1",
    ]
    opened = far.calls("session.open")
    assert opened[1]["password"] and opened[2]["options"] == {"endpoint": "https://x"}
    assert len(far.calls("session.close")) == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("open sftp://nas --uesr ana", "No such option '--uesr'. Did you mean '--user'?"),
        ("open a b", "Got unexpected extra argument (b)"),
        ("open sftp://nas --host-key x", "--host-key must be SHA256: and 43 characters"),
        ("open sftp://nas --key-file none", "--key-file: there is no file none"),
        ("open sftp://nas --password-file cloud.json", "other users can read the password file"),
        ("open cloud+gs://b --options-file cloud.json", "other users can read the file of options"),
        ("open sftp://nas", "there is no terminal to ask for the username"),
    ],
)
def test_a_wrong_line_leaves_the_server_open(
    far: Far, runtime: str, here: Path, line: str, told: str
) -> None:
    (here / "cloud.json").write_text("{}")
    (here / "cloud.json").chmod(0o644)
    with far.running(runtime):
        result = script(f"{line}\nls\n", "--keep-going")
    assert told in result.stderr and result.stdout == "a.txt\ndocs/\n"
    assert result.exit_code


def test_tab_after_open_offers_addresses_options_and_files() -> None:
    def nothing(*_path: str) -> list[tuple[str, bool]]:
        raise AssertionError

    sources = Sources(nothing, nothing, lambda _path: [("key", False)], list, list)

    def offered(line: str) -> list[str]:
        return [one.shown for one in candidates(line, Location("/"), sources)]

    assert offered("open s") == ["s3+https://", "s3://", "sftp://"]
    assert offered("open sftp://nas --key") == ["--key-file", "--key-passphrase-file"]
    assert offered("open sftp://nas --key-file ") == ["key"]
    assert offered("open sftp://nas --user ") == []
    for scheme in SCHEMES:
        RemoteAddress.parse(f"{scheme}host/bucket")
