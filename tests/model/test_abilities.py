"""What a far side can do, and what people are told of what it cannot do."""

import pytest

from cargo_sync.model.abilities import (
    CARGO,
    SECOND,
    Abilities,
    Publishing,
    Replacing,
    Resuming,
    Trashing,
)
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.known_hashes import HashKind


def test_nothing_is_told_of_a_server_that_can_do_everything() -> None:
    assert CARGO.sentences() == ()


def test_all_that_a_server_cannot_do_is_told() -> None:
    least = Abilities(
        None, False, False, False, False, False, False, False, False,
        Replacing.LOOKED_AT, Publishing.PUT, Trashing.NONE, Resuming.NONE,
    )  # fmt: skip
    assert least.sentences()[:3] == (
        "this server keeps no times of files",
        "modes are not kept",
        "symbolic links are left out",
    )
    assert least.sentences()[-1] == "what is replaced or deleted is gone"
    assert Abilities(SECOND, resuming=Resuming.NONE).sentences() == (
        "this server keeps times in steps of a second",
        "an upload that was cut begins anew",
    )
    assert "60 seconds" in Abilities(60 * SECOND).sentences()[0]
    assert "older version" in Abilities(trashing=Trashing.VERSIONS).sentences()[0]
    assert Abilities(digests=(HashKind.MD5,)).sentences() == (
        "contents are compared by their hashes, those of others by MD5",
    )
    own = Abilities(hashes=False, digests=(HashKind.SHA1, HashKind.MD5))
    assert own.sentences() == ("contents are compared by SHA-1 or MD5, else by reading them",)
    assert Abilities(hashes=False).sentences() == ("contents are compared by reading them",)
    assert "two looks" in Abilities(atomic=False).sentences()[0]
    assert "copied" in Abilities(trashing=Trashing.COPY).sentences()[0]
    bucket = Abilities(None, modes=False, publishing=Publishing.MULTIPART)
    assert bucket.sentences() == (
        "times and modes of files are kept beside their contents; they alone are no difference",
    )


@pytest.mark.parametrize(
    ("step", "one", "other", "same"),
    [
        (1, 5, 5, True),
        (1, 5, 6, False),
        (SECOND, 1_999_999_999, SECOND, True),
        (SECOND, 2 * SECOND, SECOND, False),
        (None, 0, 10**18, True),
    ],
)
def test_times_are_compared_in_the_steps_that_the_server_keeps(
    step: int | None, one: int, other: int, same: bool
) -> None:
    abilities = Abilities(step)
    assert abilities.same_time(one, other) is same
    here, there = Entry("a", FILE, 1, one), Entry("a", FILE, 1, other)
    assert abilities.same_face(here, there) is same
    assert not abilities.same_face(here, there._replace(size=2))


def test_links_are_alike_by_target_and_folders_always() -> None:
    link = Entry("a", LINK, target="x")
    assert CARGO.same_face(link, link._replace(mtime_ns=9))
    assert not CARGO.same_face(link, link._replace(target="y"))
    assert CARGO.same_face(Entry("a", FOLDER, mode=0o700), Entry("a", FOLDER, mode=0o755))
    assert not CARGO.same_face(Entry("a", FOLDER), Entry("a", FILE))
