"""What a Pydio server answers, read."""

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.pydio.answers import (
    ListedNode,
    PydioState,
    check_done,
    page_of,
    state_of,
    states_of,
)
from cargo_sync.trees.pydio.calls import ASKED_AT_ONCE, HASHED_AT_ONCE, slices

MD5 = "0cc175b9c0f1b6a831c399e269772661"
ERROR = b'<tree><message type="ERROR">No &amp; <b>never</b></message></tree>'


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b"{}", None),
        (b"[]", None),
        (b'{"size":3,"mtime":9,"mode":33188,"hash":"%s"}' % MD5.encode().upper(),
         PydioState(False, 3, 9, MD5)),
        (b'{"7":3,"size":"3","mtime":"9","mode":33188}', PydioState(False, 3, 9, "")),
        (b'{"size":4096,"mtime":9,"hash":"directory"}', PydioState(True, 0, 0, "")),
        (b'{"size":4096,"mtime":9,"mode":16877}', PydioState(True, 0, 0, "")),
        (b'{"size":3e9,"mode":33188,"hash":"no md5"}', PydioState(False, 3 * 10**9, 0, "")),
        (b'{"size":-1,"mode":33188}', Code.BAD_ANSWER),
        (b'{"size":3}', Code.BAD_ANSWER),
        (b"3", Code.BAD_ANSWER),
        (b"", Code.BAD_ANSWER),
        (b"<html></html>", Code.BAD_ANSWER),
        (ERROR, Code.REFUSED),
        (b"<tree><require_auth/></tree>", Code.UNAUTHORIZED),
    ],
)  # fmt: skip
def test_the_state_of_one_path(body: bytes, state: PydioState | Code | None) -> None:
    if not isinstance(state, Code):
        assert state_of(body, "x") == state
        return
    with pytest.raises(ProblemError) as caught:
        state_of(body, "x")
    assert caught.value.problem.code is state


def test_several_states_come_by_their_names() -> None:
    found = states_of(b'{"/a":{"size":1,"mode":33188},"/b":[]}', "a")
    assert found == {"/a": PydioState(False, 1, 0, ""), "/b": None}
    with pytest.raises(ProblemError, match="asked for"):
        states_of(b"[1]", "a")


def test_an_error_is_a_message_wherever_it_stands() -> None:
    for body in (b"", b"done", b'<tree><message type="SUCCESS">ok</message></tree>'):
        check_done(body, "x")
    with pytest.raises(ProblemError, match="No & never"):
        check_done(ERROR, "x")
    with pytest.raises(ProblemError) as caught:
        check_done(b'<tree><message type="ERROR">(507) quota</message></tree>', "x")
    assert caught.value.problem.code is Code.DISK_FULL


def test_a_listing_is_what_is_directly_in_the_folder() -> None:
    page = page_of(
        b'<tree filename="/d"><pagination count="12" total="3"/>'
        b'<tree filename="/d/a" is_file="true" bytesize="7"/>'
        b'<tree filename="/d/b" ajxp_mime="ajxp_folder"><tree filename="/d/b/x"/></tree>'
        b'<tree filename="/recycle_bin" ajxp_mime="ajxp_recycle"/></tree>',
        "d",
    )
    assert (page.count, page.pages) == (12, 3)
    assert page.nodes == [
        ListedNode("/d/a", False, False, 7),
        ListedNode("/d/b", True, False, 0),
        ListedNode("/recycle_bin", False, True, 0),
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (ERROR, Code.REFUSED),
        (b"<html></html>", Code.BAD_ANSWER),
        (b"<tree>", Code.BAD_ANSWER),
        (b'<!DOCTYPE tree><tree filename="/"/>', Code.BAD_ANSWER),
        (b'<tree><pagination count="many" total="3"/></tree>', Code.BAD_ANSWER),
    ],
)
def test_what_is_no_listing_is_never_an_empty_one(body: bytes, code: Code) -> None:
    with pytest.raises(ProblemError) as caught:
        page_of(body, "d")
    assert caught.value.problem.code is code


def test_paths_are_asked_for_in_slices() -> None:
    small = {str(number): 1 for number in range(ASKED_AT_ONCE + 1)}
    assert [len(one) for one in slices(small)] == [ASKED_AT_ONCE, 1]
    assert list(slices({"a": HASHED_AT_ONCE, "b": 1, "c": 1})) == [["a"], ["b", "c"]]
    assert list(slices({})) == []
