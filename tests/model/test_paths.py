"""The order of paths by components, and names from outside."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.model import paths
from cargo_sync.model.problems import ProblemError


def test_a_folders_content_stands_together() -> None:
    assert sorted(["a-b", "a/x", "a", "a/x/y", "A"], key=paths.key) == [
        "A",
        "a",
        "a/x",
        "a/x/y",
        "a-b",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/etc",
        "a//b",
        "..",
        "a/../b",
        ".",
        "a/",
        "nul\0",
        "\udcff",
        "x" * 256,
        "a/" * 3000 + "a",
        "a/.cargo_sync/\0",
    ],
)
def test_paths_that_are_not_trusted(path: str) -> None:
    with pytest.raises(ProblemError) as caught:
        paths.check(path)
    with pytest.raises(ProblemError):
        paths.check(path, reserved=True)
    assert caught.value.problem.code == "bad_path"


@pytest.mark.parametrize(
    "path",
    [".cargo_sync", ".cargo_sync/trash/x", "a/b/.cargo_sync", "é/.CARGO_SYNC/x", ".cargo_ſync"],
)
def test_reserved_names_at_every_depth_in_any_case(path: str) -> None:
    with pytest.raises(ProblemError) as caught:
        paths.check(path)
    assert caught.value.problem.code == "reserved_name"
    assert paths.check(path, reserved=True) == path


@pytest.mark.parametrize(
    "path", ["", "a", "-rf", "a b/é/🎬", "deep/.cargo_sync2/x", "cargo_sync", "..a", "a\nb"]
)
def test_paths_that_are_fine(path: str) -> None:
    assert paths.check(path) == path


@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1), min_size=1
    )
)
def test_keys_come_back_and_sort_as_components_do(parts: list[str]) -> None:
    path = "/".join(parts)
    assert paths.from_key(paths.key(path)) == path
    assert paths.join(paths.parent(path), paths.name(path)) == path
    assert paths.is_below(path, paths.parent(path))


@given(st.text("a./é\0\udcff", max_size=12))
def test_the_quick_look_at_a_path_finds_what_the_slow_one_does(path: str) -> None:
    parts = path.split("/") if path else []
    assert (paths.bad_path(path) is None) == (not any(map(paths.bad_name, parts)))


@given(st.lists(st.text("a./é\0\n\udcff", max_size=9) | st.just("a/.Cargo_Sync"), max_size=4))
def test_many_paths_are_checked_and_get_keys_as_one_is(some: list[str]) -> None:
    def code(call: Callable[[], list[bytes]]) -> list[bytes] | str:
        try:
            return call()
        except ProblemError as error:
            return f"{error.problem.code}: {error.problem.path}"

    assert code(lambda: paths.keys(some)) == code(
        lambda: [paths.key(paths.check(path)) for path in some]
    )


def test_the_look_at_many_paths_lets_ordinary_ones_pass() -> None:
    assert paths.are_usable([])
    assert paths.are_usable(["a", "a/b c/.d", "x" * 255])
    assert paths.are_usable(["a", "é/ü"])
    assert not paths.are_usable(["a", "x" * 256])
    assert not paths.are_usable(["a", "é" * 128])


def test_a_path_of_two_thousand_folders_is_fine_and_one_byte_more_is_not() -> None:
    assert paths.bad_path("d/" * 2047 + "dd") is None
    assert paths.bad_path("d/" * 2047 + "dé") == "is longer than 4096 bytes"
    assert paths.bad_path("é" * 127 + "/" + "é" * 128) == "has a part that is longer than 255 bytes"
    assert paths.bad_path("../out") == "has a part that is empty, '.' or '..'"
