"""Which beginnings are those of well-known files, and which are noise."""

from hashlib import shake_256

import pytest

from cargo_sync.plan.file_types import BEGINNING, LEAST, Beginning, is_judged, judge

KEPT, LOST, UNKNOWN = Beginning.KEPT, Beginning.LOST, Beginning.UNKNOWN


def noise(seed: int, size: int = BEGINNING) -> bytes:
    return shake_256(b"%d" % seed).digest(size)


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\0"),
        ("d.x/A.JPEG", b"\xff\xd8\xff\xe1"),
        ("a.png", b"\x89PNG\r\n\x1a\n"),
        ("a.pdf", b"%PDF-1.7\n"),
        ("a.pdf", b"\0" * 90 + b"%PDF-1.4\n"),
        ("a.docx", b"PK\x03\x04\x14\0"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("a.mov", b"\0\0\0\x14ftypqt  "),
        ("a.mov", b"\0\0\0\x08wide\0\0\0\0mdat"),
        ("a.mp4", b"\0\0\0\x20ftypisom"),
        ("a.mxf", b"\x06\x0e\x2b\x34\x02\x05\x01\x01"),
        ("a.wav", b"RIFF\x24\x08\0\0WAVE"),
        ("a.wav", b"RF64\xff\xff\xff\xffWAVE"),
        ("a.aif", b"FORM\0\0\0\0AIFF"),
        ("a.tif", b"II*\0\x08\0\0\0"),
        ("a.tif", b"MM\0*\0\0\0\x08"),
        ("a.mp3", b"ID3\x04\0\0"),
        ("a.mp3", b"\xff\xfb\x90\x64"),
        ("a.tar.gz", b"\x1f\x8b\x08\0"),
        ("a.sqlite", b"SQLite format 3\0"),
        ("a.jpg", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_a_well_known_beginning_is_kept(name: str, beginning: bytes) -> None:
    assert judge(name, (beginning + noise(1))[:BEGINNING]) is KEPT


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "Grüße aus Köln, " * 20),
        ("a.md", "# 日本語の文書です\n" * 20),
        ("a.csv", "1,2,3\r\n" * 40),
        ("a.png", "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_text_is_kept(name: str, content: str, encoding: str) -> None:
    assert judge(name, content.encode(encoding)[:BEGINNING]) is KEPT


def test_text_in_latin_1_is_kept() -> None:
    assert judge("a.txt", "Grüße aus Köln, ".encode("latin-1") * 20) is KEPT


@pytest.mark.parametrize("name", ["a.jpg", "a.docx", "d/a.mov", "a.txt", "a.csv"])
def test_noise_and_zeros_have_lost_their_type(name: str) -> None:
    lost = sum(judge(name, noise(seed)) is LOST for seed in range(200))
    assert lost >= 198, "two bytes of noise may look like a short mark"
    assert judge(name, bytes(BEGINNING)) is LOST
    assert judge(name, noise(3, 100)) is LOST


@pytest.mark.parametrize("name", ["a", "a.dat", ".txt", "a.txt.locked", "d.jpg/a", "a.jpg."])
def test_a_name_that_promises_nothing_is_not_judged(name: str) -> None:
    assert judge(name, noise(1)) is UNKNOWN
    assert not is_judged(name, 10**6)


def test_a_short_file_is_not_judged() -> None:
    assert judge("a.jpg", noise(1, LEAST - 1)) is UNKNOWN
    assert not is_judged("a.jpg", LEAST - 1)
    assert is_judged("a.jpg", LEAST)
