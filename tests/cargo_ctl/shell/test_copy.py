"""`cargo_ctl copy`: both logins, what is copied, and what a script is told."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cargo_ctl.main import cargo_ctl
from tests.cargo_ctl.session.far import PASSWORD, Far

FILES = {"a.txt": b"one", "b.txt": b"two", "docs/c.txt": b"three"}
LOGINS = [
    f"--{side}-{name}={value}"
    for side in ("from", "to")
    for name, value in (("user", "ana"), ("password-file", "../home/secret"))
]


@pytest.fixture
def far(runtime: str, here: Path) -> Far:
    far = Far(FILES)
    far.look |= {"kind": "webdav", "url": "webdav+https://x"}
    return far


def copy(*arguments: str) -> Result:
    return CliRunner().invoke(cargo_ctl, ["copy", "webdav+https://a/x", "s3://b/y", *arguments])


@pytest.mark.parametrize(
    ("paths", "copied", "args"),
    [
        ([], set(FILES), {"path": "", "remote": "", "recursive": True}),
        (["docs"], {"docs/c.txt"}, {"path": "docs", "remote": "docs", "recursive": True}),
        (["docs/c.txt"], {"docs/c.txt"}, {"path": "docs/c.txt", "remote": "docs/c.txt"}),
        (["?.txt"], {"a.txt", "b.txt"}, {"path": "a.txt", "remote": "a.txt"}),
    ],
)
def test_all_or_some_is_copied(
    far: Far, runtime: str, paths: list[str], copied: set[str], args: dict[str, object]
) -> None:
    with far.running(runtime):
        told = copy(*paths, *LOGINS, "--to-region", "eu-west-1", "--speed", "8mbps")
    assert (told.exit_code, told.stderr, set(far.copies)) == (0, "", copied)
    assert far.calls("session.copy")[0] == args | {"source": "s" * 8, "overwrite": False}
    source, target = far.calls("session.open")
    assert (source["password"], source.get("make")) == (PASSWORD, None)
    assert (target["make"], target["region"]) == (True, "eu-west-1")
    assert far.calls("session.speed") == [{"speed": "8mbps"}]
    assert len(far.calls("session.close")) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (LOGINS[:2], 2, "(give --to-user NAME and --to-password-file FILE)"),
        (LOGINS[2:], 2, "(give --from-user NAME and --from-password-file FILE)"),
        ([*LOGINS, "none"], 1, "there is no /none on the server"),
        ([*LOGINS, "--to-key-file=none"], 2, "--to-key-file: there is no file none"),
        ([*LOGINS, "a.txt"], 1, "a.txt: it is there already (-f replaces it)"),
    ],
)
def test_what_cannot_be_copied_is_said_with_its_side(
    far: Far, runtime: str, arguments: list[str], code: int, told: str
) -> None:
    far.copies = {"a.txt": b"other"}
    with far.running(runtime):
        result = copy(*arguments)
    assert result.exit_code == code
    assert told in result.stderr
