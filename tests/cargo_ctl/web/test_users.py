"""`cargo_ctl web user …`."""

from pathlib import Path

import argon2
import pytest
from click.testing import CliRunner

from cargo_ctl.completion import register
from cargo_ctl.main import cargo_ctl
from cargo_ctl.web import accounts, settings
from cargo_ctl.web.accounts import WebAccounts
from cargo_ctl.web.settings import WebUser
from cargo_sync.api.roles import Role


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(accounts, "hashed", lambda password: f"$argon2id$of {password}")
    (tmp_path / "password").write_text("correct horse\n")
    (tmp_path / "password").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return str(tmp_path / "cargo_sync" / "web.json")


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(cargo_ctl, ["web", *args], catch_exceptions=False)
    return result.exit_code, result.output.strip()


def test_a_users_life(config: str) -> None:
    assert run("user", "list") == (0, "nobody yet: cargo_ctl web user add NAME --role watch")
    added = run("user", "add", "ana", "--role", "watch", "--password-file", "password")
    assert added == (0, "added: ana, role watch")
    assert run("user", "add", "ana", "--role", "control", "--password-file", "password") == (
        2,
        "cargo_ctl: there is a user ana already (cargo_ctl web user passwd ana)",
    )
    assert run("user", "list") == (0, "ana  watch")
    Path("password").write_text("battery\n")
    assert run("user", "passwd", "ana", "--password-file", "password") == (
        0,
        "ana has a new password",
    )
    assert settings.read(config).users == {
        "ana": WebUser("ana", Role.WATCH, "$argon2id$of battery")
    }
    assert run("user", "remove", "anna") == (
        2,
        'cargo_ctl: the page has no user anna (did you mean "ana"?)',
    )
    assert run("user", "remove", "ana") == (0, "removed: ana")
    assert settings.read(config).users == {}


@pytest.mark.parametrize("name", ["link", "a b", "", "x" * 65, "a\x1b[2J"])
def test_names_that_cannot_be(config: str, name: str) -> None:
    code, text = run("user", "add", name, "--role", "watch", "--password-file", "password")
    assert code == 2
    assert "a name has letters, digits" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--listen", "8480"], "'8480' is not HOST:PORT"),
        (["--listen", "0.0.0.0:8480"], "nobody could log in"),
        (["--no-link"], "nobody could log in"),
        (["--origin", "cargo.example"], "is not an address such as"),
        (["--cert", "a.pem"], "--cert and --cert-key belong together"),
        (["--connect", "a", "--connect", "a"], 'two of the daemons and servers are called "a"'),
    ],
)
def test_what_cannot_be_served(config: str, options: list[str], why: str) -> None:
    code, text = run(*options)
    assert code == 2
    assert why in text


def test_tab_offers_the_users(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ana", "anton", "ben"):
        run("user", "add", name, "--role", "watch", "--password-file", "password")
    register()
    monkeypatch.setenv("COMP_WORDS", "cargo_ctl\nweb\nuser\nremove")
    monkeypatch.setenv("COMP_CURRENT", "an")
    monkeypatch.setenv("COMP_LINE", "cargo_ctl web user remove an")
    monkeypatch.setenv("_CARGO_CTL_COMPLETE", "fish_complete")
    offered = CliRunner().invoke(cargo_ctl, prog_name="cargo_ctl").stdout
    assert [line.split("\t")[0] for line in offered.splitlines()] == ["plain,ana", "plain,anton"]
    Path(config).write_text("{")
    assert CliRunner().invoke(cargo_ctl, prog_name="cargo_ctl").output.strip() == ""


def test_a_change_of_the_file_counts_at_once(config: str) -> None:
    run("user", "add", "ana", "--role", "watch", "--password-file", "password")
    known = WebAccounts(config)
    [ana] = known.users().values()
    assert known.is_still(ana)
    Path(config).chmod(0o644)
    assert not known.is_still(ana), "a file that others may change lets nobody in"
    Path(config).chmod(0o600)
    assert known.is_still(ana)
    run("user", "remove", "ana")
    assert not known.is_still(ana)


def test_passwords() -> None:
    assert accounts._hasher().memory_cost >= 64 * 1024
    hash = argon2.PasswordHasher(1, 8, 1).hash("correct horse")
    assert accounts.is_right(hash, "correct horse")
    assert not accounts.is_right(hash, "correct hors")
    assert not accounts.is_right("$argon2id$broken", "correct horse")
    assert accounts.same("a", "a")
    assert not accounts.same("a", "b")
