"""Whether a file begins as files of its type do.

A program that encrypts files in their place leaves their names, and all of their bytes are noise: a
photo does not begin as a photo any more. So a file whose name promises a well-known format must
begin as *some* known format, or as text. Which one it is does not matter: many a `.jpg` is a PNG,
and an office document with a password is another container than one without. What begins with
zeros, as after a crash, has lost its type too.

A file is only judged if its name says what to expect, and if there is enough of it.
"""

from enum import Enum
from typing import Final

BEGINNING: Final = 512
"""Bytes of a file that are enough to judge it."""
LEAST: Final = 64
"""Fewer bytes say nothing."""


class Beginning(Enum):
    """What the first bytes of a file say about its type."""

    KEPT = "kept"
    LOST = "lost"
    UNKNOWN = "unknown"


_TEXT: Final = frozenset({
    "txt", "md", "rst", "csv", "tsv", "json", "xml", "html", "htm", "css", "js", "py", "c",
    "h", "cpp", "java", "go", "rs", "sh", "sql", "yaml", "yml", "toml", "ini", "tex", "srt",
    "vtt", "edl", "ale", "fcpxml", "otio", "svg", "eml", "ics", "vcf", "rtf",
})  # fmt: skip
_BINARY: Final = frozenset({
    "jpg", "jpeg", "png", "gif", "bmp", "webp", "tif", "tiff", "heic", "psd", "exr", "dpx",
    "dng", "cr2", "cr3", "nef", "arw", "mov", "mp4", "m4v", "m4a", "mkv", "webm", "avi",
    "mxf", "wav", "bwf", "aif", "aiff", "flac", "ogg", "mp3", "pdf", "docx", "xlsx", "pptx",
    "odt", "ods", "odp", "epub", "doc", "xls", "ppt", "zip", "7z", "rar", "gz", "tgz",
    "bz2", "xz", "zst", "sqlite", "sqlite3",
})  # fmt: skip
_JUDGED: Final = _TEXT | _BINARY

_MAGIC: Final[tuple[tuple[int, bytes], ...]] = (
    (0, b"\xff\xd8\xff"),  # jpeg
    (0, b"\x89PNG\r\n\x1a\n"),
    (0, b"GIF8"),
    (0, b"BM"),
    (0, b"II*\0"),  # tiff, and the raw files of most cameras
    (0, b"MM\0*"),
    (0, b"II+\0"),  # tiff beyond 4 GB
    (0, b"MM\0+"),
    (0, b"8BPS"),  # psd
    (0, b"v/1\x01"),  # exr
    (0, b"SDPX"),
    (0, b"XPDS"),
    (4, b"ftyp"),  # mov, mp4, m4a, heic, cr3
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
    (4, b"free"),
    (4, b"skip"),
    (4, b"pnot"),
    (0, b"\x1aE\xdf\xa3"),  # mkv, webm
    (0, b"\x06\x0e+4"),  # mxf
    (0, b"RIFF"),  # wav, avi, webp
    (0, b"RIFX"),
    (0, b"RF64"),
    (0, b"BW64"),
    (0, b"FORM"),  # aiff
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"ID3"),
    *(
        (0, bytes((0xFF, second))) for second in (0xE2, 0xE3, 0xF2, 0xF3, 0xFA, 0xFB)
    ),  # mp3 without ID3
    (0, b"PK\x03\x04"),  # zip, docx, xlsx, pptx, odt, epub
    (0, b"PK\x05\x06"),
    (0, b"\xd0\xcf\x11\xe0"),  # doc, xls, ppt, and documents with a password
    (0, b"7z\xbc\xaf\x27\x1c"),
    (0, b"Rar!"),
    (0, b"\x1f\x8b"),
    (0, b"BZh"),
    (0, b"\xfd7zXZ\0"),
    (0, b"(\xb5/\xfd"),  # zst
    (257, b"ustar"),
    (0, b"SQLite format 3\0"),
)
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
"""What text in UTF-16 begins with."""
_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\f\r\x1b\b"))
"""Bytes that no text has, in no alphabet; a tenth of noise is such bytes."""
_CONTROLS_SHARE: Final = 0.03


def is_judged(name: str, size: int) -> bool:
    """Whether the first bytes of a file with this name and size say anything."""
    return size >= LEAST and _extension(name) in _JUDGED


def judge(name: str, beginning: bytes) -> Beginning:
    """Judges a file by its name, or path, and up to `BEGINNING` of its first bytes."""
    if not is_judged(name, len(beginning)):
        return Beginning.UNKNOWN
    if any(beginning.startswith(magic, at) for at, magic in _MAGIC):
        return Beginning.KEPT
    return Beginning.KEPT if _is_text(beginning) or b"%PDF-" in beginning else Beginning.LOST


def _is_text(beginning: bytes) -> bool:
    if beginning.startswith(_MARKS):
        return True
    controls = len(beginning) - len(beginning.translate(None, _CONTROLS))
    return controls <= len(beginning) * _CONTROLS_SHARE


def _extension(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if dot and stem else ""
