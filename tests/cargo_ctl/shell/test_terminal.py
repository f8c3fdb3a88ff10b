"""The client in a real terminal, against a daemon that keeps the contract."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cargo_ctl.session.far import FINGERPRINT, PASSWORD, Far
from tests.cargo_ctl.shell.terminal import CTRL_C, CTRL_D, TAB, Screen, screen

FILES = {"a.txt": b"one", "my docs/c d.txt": b"three", "my docs/e.txt": b"five", "zoo.txt": b"z"}
PROMPT = "cargo>"


@pytest.fixture
def far(runtime: str, here: Path) -> Iterator[Far]:
    with Far(FILES).running(runtime) as far:
        yield far


@contextmanager
def logged_in() -> Iterator[Screen]:
    with screen("cargoclient", "--mode=client", "--host=https://files.example:8443") as shown:
        shown.wait("Cargo Client Interactive")
        shown.wait("Username: ")
        shown.type("ana")
        shown.wait("Password: ")
        shown.type(PASSWORD)
        shown.wait(PROMPT)
        yield shown


def ended(shown: Screen) -> int:
    shown.type("quit")
    return shown.end()


def test_from_banner_to_quit(far: Far, here: Path) -> None:
    with logged_in() as shown:
        shown.type("get a.txt")
        shown.wait("a.txt: 3 B in ")
        shown.wait(PROMPT)
        shown.type("gte a.txt")
        shown.wait('there is no command gte (did you mean "get"?)')
        shown.wait(PROMPT)
        shown.type("!echo $PWD-it-is")
        shown.wait(f"{here}-it-is")
        shown.wait(PROMPT)
        shown.press(f"delete a.txt{CTRL_C}")  # empties the line
        shown.type("cwd")
        shown.wait("/\r\n")
        shown.wait(PROMPT)
        shown.type("delete 'my docs'")
        shown.wait("delete the folder /my docs with everything in it? [y]es, [n]o: ")
        shown.type("n")
        shown.wait("nothing was deleted")
        shown.wait(PROMPT)
        shown.type("delete a.txt")
        shown.wait("deleted /a.txt; it is in the server's trash")
        shown.wait(PROMPT)
        assert ended(shown) == 0
    assert (here / "a.txt").read_bytes() == b"one"
    assert far.calls("session.delete") == [{"path": "a.txt"}]
    assert far.asked[-1][0] == "session.close"
    kept = here.parent / "home/.local/state/cargo_sync/history"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "\n+get a.txt\n" in kept.read_text()
    assert PASSWORD not in kept.read_text()


def test_the_password_is_not_echoed_and_may_be_tried_again(far: Far) -> None:
    with screen("cargo_ctl", "shell", "files.example", "--user", "ana") as shown:
        shown.wait("Password: ")
        shown.type("canary-wrong")
        shown.wait("the server does not know this name and password")
        shown.wait("Password: ")
        shown.type(PASSWORD)
        assert "canary" not in shown.wait(PROMPT)
        shown.press(CTRL_D)
        assert shown.end() == 0


def test_tab_completes_commands_and_paths_of_both_sides(far: Far, here: Path) -> None:
    (here / "local file").write_bytes(b"")
    far.files["evil\x1b[2J"] = b"1"
    with logged_in() as shown:
        for before, completed, after in (
            ("mkd", "ir", "new"),
            ("get ev", "$'evil\\x1b[2J'", ""),
            ("put lo", "cal\\ file", ""),
            ("cd my", "\\ docs/", ""),
            ("!cd ../ho", "me/", ""),
            ("get c", "\\ d.txt", ""),
        ):
            shown.press(before + TAB)
            shown.wait(completed)
            shown.press(f"{after}\r")
            shown.wait("\r\n")
            shown.wait(PROMPT)
        shown.type("cwd")
        shown.wait("/my docs\r\n")
        shown.type("ls -l /")
        shown.wait("evil\\x1b[2J")
        shown.wait(PROMPT)
        assert ended(shown) == 0
    assert far.calls("session.mkdir") == [{"path": "new"}]
    assert far.files["local file"] == b""
    assert (here / "evil\x1b[2J").exists()
    assert (here.parent / "home/c d.txt").exists()


def test_ctrl_c_cancels_the_get_and_not_the_client_and_the_same_get_goes_on(
    far: Far, here: Path
) -> None:
    for name in ("big.iso", "more.iso"):
        far.files[name] = b"x" * 2_000_000
        far.stuck.add(name)
    with logged_in() as shown:
        shown.type("get big.iso a.txt")
        shown.wait("a.txt: 3 B in ")  # from here on there is one to be cancelled
        shown.wait("50%")
        shown.wait("1.0 MB of 2.0 MB, 1.0 MB/s, 5 s left")
        shown.press(CTRL_C)
        shown.wait("big.iso: cancelled at 1.0 MB of 2.0 MB; repeat the command to resume")
        shown.wait(PROMPT)
        shown.type("get big.iso")
        shown.wait("big.iso: resumes at 1.0 MB of 2.0 MB")
        shown.wait("big.iso: 2.0 MB in ")
        shown.wait(PROMPT)
        shown.type("get more.iso &")
        shown.wait("[4] get more.iso")
        shown.wait("[4] more.iso 50% 1.0 MB/s, 5 s left", anew=True)  # in the bar below the prompt
        shown.type("cancel 4")
        shown.wait("more.iso: cancelled at 1.0 MB of 2.0 MB")
        assert ended(shown) == 0
    assert far.calls("session.cancel") == [{"transfer": "t1"}, {"transfer": "t4"}]
    assert (here / "a.txt").exists()
    assert (here / "big.iso").stat().st_size == 2_000_000


def test_overwriting_asks(far: Far, here: Path) -> None:
    with logged_in() as shown:
        for answers, replaced in (("yn", "a.txt"), ("nn", ""), ("a", "a.txt zoo.txt"), ("q", "")):
            for name in ("a.txt", "zoo.txt"):
                (here / name).write_bytes(b"mine")
            shown.type("get a.txt zoo.txt")
            for answer in answers:
                shown.wait(
                    "already exists here and is different: replace it? [y]es, [n]o, [a]ll, [q]uit: "
                )
                shown.type(answer)
            shown.wait(PROMPT)
            theirs = [
                name for name in ("a.txt", "zoo.txt") if (here / name).read_bytes() != b"mine"
            ]
            assert theirs == replaced.split()
        assert ended(shown) == 0


def test_an_unknown_certificate_is_asked_about_once(far: Far, here: Path) -> None:
    far.look["trusted"] = False
    known = here.parent / "home/.config/cargo_sync/known_servers"
    line = ("cargoclient", "--mode=client", "--host=files.example", "--user=ana")
    with screen(*line) as shown:
        shown.wait(f"sha256:{FINGERPRINT}")
        shown.wait("Is it the same? [y/N] ")
        shown.type("n")
        assert shown.end() == 1
        assert "files.example:8443 is not trusted" in shown.seen
    assert not known.exists()
    with screen(*line) as shown:
        shown.wait("Is it the same? [y/N] ")
        shown.type("y")
        shown.wait("Password: ")
        shown.press(CTRL_C)
        assert shown.end() == 130
    assert known.read_text() == f"files.example:8443 {FINGERPRINT}\n"
    assert stat.S_IMODE(known.stat().st_mode) == 0o600
    far.look["fingerprint"] = "cd" * 32
    with screen(*line) as shown:
        assert shown.end() == 1
        assert "THE CERTIFICATE OF files.example:8443 HAS CHANGED" in shown.seen
        assert "remove the line of files.example:8443 from" in shown.seen
    assert far.calls("session.open") == []
