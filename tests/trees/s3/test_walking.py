"""A flat list of keys becomes the listings that the server would give folder by folder."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER
from cargo_sync.model.problems import Code
from cargo_sync.s3.objects import ObjectPage
from cargo_sync.trees.remote.contract import RemoteListing
from cargo_sync.trees.s3.walking import FolderStack, listing_of

PREFIX = "films/"
NAMES = ["a", "b", "a-b", "a.", "é", "😀", "", ".", "..", ".cargo_sync", ".Cargo_Sync", "n" * 256]
SIZES = st.sampled_from([0, 7])
KEYS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join).filter(bool)


def page_of(sizes: Mapping[str, int], *, prefixes: list[str] | None = None) -> ObjectPage:
    keys = sorted(sizes)
    count = len(keys)
    return ObjectPage(
        keys, [sizes[key] for key in keys], ["e"] * count, [10**9] * count, prefixes or []
    )


def one_by_one(sizes: Mapping[str, int]) -> Iterator[RemoteListing]:
    """The listings as a server makes them with a delimiter."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        prefix = f"{PREFIX}{folder}/" if folder else PREFIX
        here = {key: size for key, size in sizes.items() if key.startswith(prefix)}
        plain = {key: size for key, size in here.items() if "/" not in key[len(prefix) :]}
        deeper = {
            f"{prefix}{key[len(prefix) :].split('/')[0]}/" for key in here if key not in plain
        }
        listing = listing_of(folder, prefix, [page_of(plain, prefixes=sorted(deeper))])
        yield listing
        waiting += [
            paths.join(folder, entry.name) for entry in listing.entries if entry.kind == FOLDER
        ]


def flat(sizes: Mapping[str, int], length: int) -> list[RemoteListing]:
    stack, keys = FolderStack(PREFIX), sorted(sizes)
    told = list[RemoteListing]()
    for at in range(0, len(keys), length):
        told += stack.take(page_of({key: sizes[key] for key in keys[at : at + length]}))
    assert stack.is_sorted
    return [*told, *stack.end()]


def plain(listings: list[RemoteListing]) -> dict[str, object]:
    assert len({one.path for one in listings}) == len(listings), "a folder came twice"
    return {
        one.path: (sorted(one.entries), sorted(str(problem) for problem in one.problems))
        for one in listings
    }


@given(st.dictionaries(KEYS, SIZES, max_size=12), st.integers(1, 5))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_listings_are_those_made_folder_by_folder(sizes: dict[str, int], length: int) -> None:
    keys = {PREFIX + path: size for path, size in sizes.items()}
    assert plain(flat(keys, length)) == plain(list(one_by_one(keys)))


@pytest.mark.parametrize(
    ("keys", "folder", "names", "left_out"),
    [
        (["a//b", "c"], "a", [], [Code.BAD_PATH]),
        (["./x", "../x", "c"], "", ["c"], [Code.BAD_PATH, Code.BAD_PATH]),
        (["/x", "c"], "", ["c"], [Code.BAD_PATH]),
        (["dir/", "dir/x"], "dir", ["x"], []),
        (["a", "a/b"], "", ["a"], [Code.NAME_COLLISION]),
        (["a/.cargo_sync", "c"], "a", [], []),
        (["a/.cargo_sync/x"], "a", [], [Code.RESERVED_NAME]),
        (["n" * 256, "c"], "", ["c"], [Code.BAD_PATH]),
        ([".cargo_sync/trash/x", "c"], "", ["c"], []),
    ],
)
def test_what_cannot_be_a_path_is_left_out_alone(
    keys: list[str], folder: str, names: list[str], left_out: list[Code]
) -> None:
    told = {one.path: one for one in flat({PREFIX + key: 0 for key in keys}, 10)}
    assert [entry.name for entry in told[folder].entries] == names
    assert [problem.code for problem in told[folder].problems] == left_out
    others = [problem for path, one in told.items() if path != folder for problem in one.problems]
    assert not others


def test_of_a_folder_and_an_object_of_one_name_the_folder_counts() -> None:
    told = {one.path: one for one in flat({PREFIX + key: 1 for key in ("a", "a-b", "a/b")}, 1)}
    assert {entry.name: entry.kind for entry in told[""].entries} == {"a": FOLDER, "a-b": FILE}


def test_a_marker_with_a_content_is_told() -> None:
    told = {one.path: one for one in flat({PREFIX: 3, f"{PREFIX}dir/": 3}, 10)}
    assert [len(told[path].problems) for path in ("", "dir")] == [1, 1]


def test_keys_that_are_not_utf8_are_told_of_their_folder() -> None:
    stack = FolderStack(PREFIX)
    page = replace(page_of({f"{PREFIX}d/x": 1}), undecodable=["films/d/%FF", "films/%FF"])
    told = [*stack.take(page), *stack.end()]
    assert {one.path: [problem.code for problem in one.problems] for one in told} == {
        "d": [Code.BAD_NAME],
        "": [Code.BAD_NAME],
    }


@pytest.mark.parametrize("keys", [["b", "a"], ["a", "a"], ["a/x", "b/x", "a/y"]])
def test_keys_in_another_order_are_noticed(keys: list[str]) -> None:
    stack, count = FolderStack(PREFIX), len(keys)
    list(
        stack.take(
            ObjectPage([PREFIX + key for key in keys], [0] * count, [""] * count, [0] * count)
        )
    )
    assert not stack.is_sorted
