import errno
import io
import json
import logging
import os
import socket
import stat
import struct
from pathlib import Path

import pytest

from cargo_sync.config.process_shape import LogSettings
from cargo_sync.process.journal import Journal, is_ours
from cargo_sync.process.lines import LogLine
from cargo_sync.process.log_file import LogFile
from cargo_sync.process.logs import TerminalFormat, logging_to
from cargo_sync.process.ring import Ring


def line(message: str, level: str = "info", trace: str = "", **about: str) -> LogLine:
    return LogLine(1.5, level, "a.b", message, about, trace)


# -- terminal --------------------------------------------------------------------------------------


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_is_one_line_that_no_terminal_acts_on() -> None:
    stream = io.StringIO()
    TerminalFormat(stream, {})(line("a\x1b[2J\nb\u202ec é", "warning", job="night\tly"))
    assert stream.getvalue().endswith(" WARNING night\\x09ly a\\x1b[2J | b\\u202ec é\n")
    TerminalFormat(stream, {})(line("up", trace="T\n  V"))
    assert stream.getvalue().endswith(" INFO - up | T |   V\n")


def test_only_the_level_is_coloured_and_only_for_who_wants_it() -> None:
    assert " \x1b[31mERROR\x1b[0m nightly failed" in TerminalFormat(Tty(), {}).text(
        line("failed", "error", job="nightly")
    )
    assert "\x1b" not in TerminalFormat(Tty(), {"NO_COLOR": "1"}).text(line("failed", "error"))


def test_a_terminal_that_is_gone_stops_nothing() -> None:
    class Gone(io.StringIO):
        """A terminal that was closed."""

        tried = 0

        def write(self, text: str) -> int:
            self.tried += 1
            raise OSError(errno.EIO, "input/output error")

    stream = Gone()
    terminal = TerminalFormat(stream, {})
    for text in ("x", "y"):
        terminal(line(text))
    assert stream.tried >= 2, "each line is tried: a terminal may come back"
    stream.close()
    terminal(line("z"))


# -- file ------------------------------------------------------------------------------------------


def messages(path: Path) -> list[str]:
    return [json.loads(each)["message"] for each in path.read_text().splitlines()]


def test_a_file_of_json_lines_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch(0o644)
    file = LogFile(str(path), 10_000, 2, pytest.fail)
    file(line('with "quotes"\nand é', "error", trace="T", job="nightly"))
    file.close()
    assert path.read_text() == (
        '{"time":"1970-01-01T00:00:01.500Z","level":"error","logger":"a.b","job":"nightly",'
        '"message":"with \\"quotes\\"\\nand é","trace":"T"}\n'
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_rotation_keeps_as_many_as_wanted(tmp_path: Path) -> None:
    path = tmp_path / "log"
    size = len(json.dumps(line("0").values, separators=(",", ":"))) + 1
    file = LogFile(str(path), 2 * size, 2, pytest.fail)
    for number in range(9):
        file(line(str(number)))
    file.close()
    assert {each.name: messages(each) for each in tmp_path.iterdir()} == {
        "log": ["8"], "log.1": ["6", "7"], "log.2": ["4", "5"],
    }  # fmt: skip
    none = LogFile(str(path), size, 0, pytest.fail)
    none(line("9"))
    none.close()
    assert messages(path) == ["9"]


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = LogFile(str(path), 10_000, 2, pytest.fail)
    file(line("1"))
    path.rename(tmp_path / "moved")
    file(line("2"))
    file.close()
    assert (messages(tmp_path / "moved"), messages(path)) == (["1"], ["2"])


def test_a_full_disk_stops_nothing_and_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "log"
    room, said = [10_000], list[str]()

    def write(fd: int, text: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        return os.write(fd, text[: room[0]])

    file = LogFile(str(path), 10_000, 2, said.append, write)
    file(line("1"))
    room[0] = 10  # a part of a line still fits
    file(line("2"))
    room[0] = 0
    file(line("3"))
    room[0] = 10_000
    file(line("4"))
    file.close()
    whole, torn, *rest = path.read_text().splitlines()
    assert json.loads(whole)["message"] == "1" and len(torn) == 10
    assert [json.loads(each)["message"] for each in rest] == [
        "2 lines before this one could not be written", "4",
    ]  # fmt: skip
    assert said == [f"the log file {path} cannot be written: the disk is full; it is tried again"]


def test_what_is_no_file_gets_no_lines_and_holds_up_nobody(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    said: list[str] = []
    file = LogFile(str(path), 10_000, 2, said.append)
    for _ in range(3):
        file(line("x"))
    assert len(said) == 1
    path.unlink()
    for _ in range(64):  # it is not tried for each line
        file(line("y"))
    assert messages(path)[0].endswith("lines before this one could not be written")


# -- journal ---------------------------------------------------------------------------------------


def test_the_journal_gets_fields(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "journal"))
        there.settimeout(60)
        journal = Journal("cargo-daemon", lambda _: pytest.fail(), str(tmp_path / "journal"))
        journal(line("it failed", "error", job="nightly"))
        assert there.recv(10_000) == (
            b"MESSAGE=it failed\nPRIORITY=3\nSYSLOG_IDENTIFIER=cargo-daemon\n"
            b"LOGGER=a.b\nJOB=nightly\n"
        )
        journal(line("two\nlines"))
        assert there.recv(10_000).startswith(
            b"MESSAGE\n" + struct.pack("<Q", 9) + b"two\nlines\nPRIORITY=6\n"
        )
        journal.close()


def test_without_a_journal_lines_go_elsewhere(tmp_path: Path) -> None:
    elsewhere: list[LogLine] = []
    journal = Journal("x", elsewhere.append, str(tmp_path / "none"))
    journal(line("kept"))
    journal.close()
    assert [each.message for each in elsewhere] == ["kept"]


def test_the_journal_is_ours_when_it_reads_standard_error(tmp_path: Path) -> None:
    with open(tmp_path / "x", "w") as file:
        found = os.fstat(file.fileno())
        assert is_ours({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}, file.fileno())
        assert not is_ours({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"}, file.fileno())
        assert not is_ours({}, file.fileno())


# -- ring ------------------------------------------------------------------------------------------


def test_long_lines_do_not_fill_the_memory() -> None:
    ring = Ring(kept=100, most=1_000)
    for number in range(10):
        ring(line(f"{number}" * 300))
    rows, _, _ = ring.page(None, 100)
    assert [each.message[0] for _, each in rows] == ["8", "9"]


# -- all of it -------------------------------------------------------------------------------------


def test_every_record_goes_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("some.where")
    path = tmp_path / "log"
    with logging_to(LogSettings(str(path), "warning"), None, {}, "x") as ring:
        log.info("not this")
        log.warning("the %s", "first", extra={"job": "nightly"})
    with logging_to(LogSettings(level="error"), "debug", {}, "x"):
        log.debug("the option wins")
    log.error("not this either")
    assert [each.message for _, each in ring.page(None, 10)[0]] == messages(path) == ["the first"]
    told = capsys.readouterr().err.splitlines()
    assert [each.split(" ", 1)[1] for each in told] == [
        "WARNING nightly the first",
        "DEBUG - the option wins",
    ]
