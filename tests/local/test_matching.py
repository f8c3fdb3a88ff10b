"""Whether a file here has the hash that a server knows of its content."""

import os
from hashlib import md5, sha1
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local import matching, read
from cargo_sync.local.matching import MIB, digests_of
from cargo_sync.local.read import match_file
from cargo_sync.local.root import Root
from cargo_sync.model.known_hashes import HashKind, KnownHash, Matched

CONTENT = bytes(range(256)) * 9  # 2,304 bytes


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "PART_SIZES", (500, 800, 1_000))


def of_parts(content: bytes, size: int) -> str:
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    digest = md5(b"".join(md5(part).digest() for part in parts)).hexdigest()
    return f"{digest}-{len(parts)}"


@pytest.mark.parametrize(
    ("kind", "text", "same"),
    [
        (HashKind.MD5, md5(CONTENT).hexdigest(), True),
        (HashKind.MD5, md5(b"other").hexdigest(), False),
        (HashKind.SHA1, sha1(CONTENT).hexdigest(), True),
        (HashKind.SHA1, md5(CONTENT).hexdigest(), False),
        (HashKind.MD5_OF_PARTS, of_parts(CONTENT, 500), True),
        (HashKind.MD5_OF_PARTS, of_parts(CONTENT, 800), True),  # 3 parts, as with 1,000
        (HashKind.MD5_OF_PARTS, of_parts(CONTENT, 1_000), True),
        (HashKind.MD5_OF_PARTS, of_parts(CONTENT, 700), False),  # nobody sends such parts
        (HashKind.MD5_OF_PARTS, of_parts(CONTENT, 300), False),
        (HashKind.BLAKE3, blake3(CONTENT).hexdigest(), False),  # ours is never asked here
    ],
)
def test_a_read_says_our_hash_and_whether_it_has_the_servers(
    tmp_path: Path, kind: HashKind, text: str, same: bool
) -> None:
    (tmp_path / "x").write_bytes(CONTENT)
    root = Root.open(str(tmp_path))
    entry = root.entry("x")
    assert entry is not None
    found = match_file(root, "x", entry, KnownHash(kind, text))
    assert found == Matched(blake3(CONTENT).hexdigest(), same)
    root.close()


def test_an_object_of_one_part_may_have_a_part_of_any_size() -> None:
    [digest] = digests_of(KnownHash(HashKind.MD5_OF_PARTS, of_parts(b"x" * 400, 500)), 400)
    digest.update(memoryview(b"x" * 400))
    assert digest.hexdigest() == of_parts(b"x" * 400, 500)
    [exact] = digests_of(KnownHash(HashKind.MD5_OF_PARTS, "-3"), 1_500)
    exact.update(b"x" * 1_500)
    assert exact.hexdigest() == of_parts(b"x" * 1_500, 500), "the last part is as long as others"


@pytest.mark.parametrize(
    ("size", "count", "part", "expected"),
    [
        (1_500, 4, 400, [400]),  # as we have noted
        (1_500, 4, 300, []),  # that would be five
        (1_000 * MIB, 100, 0, [10 * MIB]),  # any whole MiB, if so many parts leave no choice
        (1_000 * MIB, 91, 0, [11 * MIB]),
        (1_000 * MIB, 40, 0, [25 * MIB]),
        (100 * MIB, 7, 0, [15 * MIB, 16 * MIB]),
        (100 * MIB, 3, 0, []),
    ],
)
def test_the_number_of_parts_says_how_large_they_may_be(
    size: int, count: int, part: int, expected: list[int]
) -> None:
    known = KnownHash(HashKind.MD5_OF_PARTS, f"-{count}", part=part)
    assert list(matching._part_sizes(known, size)) == expected


def test_holes_are_hashed_as_the_zeros_that_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "HOLE", 2**20 + 1)
    with open(tmp_path / "x", "wb") as file:
        file.truncate(3 * 2**20)
        os.pwrite(file.fileno(), b"end", 3 * 2**20)
    content = bytes(3 * 2**20) + b"end"
    root = Root.open(str(tmp_path))
    entry = root.entry("x")
    assert entry is not None
    known = KnownHash(HashKind.MD5, md5(content).hexdigest())
    assert match_file(root, "x", entry, known) == Matched(blake3(content).hexdigest(), True)
    root.close()
