"""Lines that are printed while bars are shown."""

import io
import sys

import pytest

from cargo_ctl.session.transfers import TransferRow
from cargo_ctl.shell.output import TerminalOutput


class Screen(io.TextIOWrapper):
    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True


def test_bars_make_room_for_words(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    output = TerminalOutput()
    with output.bars() as draw:
        told = {"transfer": "t1", "verb": "get", "bytes_done": 1, "bytes_total": 2}
        row = TransferRow.of(told)
        assert row is not None
        draw([row], 0)
        output.show({}, "small.bin: 5 B in 0 s")
        output.fail("[b]odd[/b].bin: is a folder", "take -r")
    output.note("left as it is")
    screen.seek(0)
    drawn = screen.read()
    for said in ("small.bin: 5 B in 0 s\n", "[b]odd[/b].bin: is a folder (take -r)"):
        before, found, _ = drawn.partition(said)
        assert found, repr(drawn)
        assert "2 B" in before, "a bar was there"
        assert "2 B" not in before.rpartition("\x1b[2K")[2], "and was taken away before the words"
    assert "left as it is" in drawn
