"""A problem's code: ours are an enum; the code of a later version keeps its text."""

import errno
import os

import pytest

from cargo_sync.model.problems import Code, Problem, from_os_error


def test_a_code_of_ours_is_received_as_itself() -> None:
    received = Problem.received("vanished", "it is gone", "a", "look", False)
    assert received == Problem(Code.VANISHED, "it is gone", "a", "look", False)
    assert received.code_text == "vanished"


@pytest.mark.parametrize("text", ["melted", "done", "VANISHED", "other", ""])
def test_a_code_of_nobody_here_keeps_its_text(text: str) -> None:
    received = Problem.received(text, "it melted", "a", retry=False)
    assert (received.code, received.foreign) == (Code.OTHER, text)
    assert received.code_text == text


def test_an_errno_has_its_code_and_others_the_words_of_the_system() -> None:
    full = from_os_error(OSError(errno.ENOSPC, "x"), "a")
    assert (full.code, bool(full.hint)) == (Code.DISK_FULL, True)
    unheard = from_os_error(OSError(errno.EPIPE, os.strerror(errno.EPIPE)), "a")
    assert unheard.code is Code.OS_ERROR
    assert os.strerror(errno.EPIPE) in unheard.message
