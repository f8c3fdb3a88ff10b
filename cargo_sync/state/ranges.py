"""The range of the keys of a folder and everything below it."""

from cargo_sync.model import paths


def at_or_below(path: str) -> tuple[bytes, bytes]:
    """[low, high) of the keys (model.paths.key) of `path` and of all paths below it.

    Only NUL, the separator, sorts before 0x01, and UTF-8 never contains 0xff.
    """
    low = paths.key(path)
    return (low, low + b"\x01") if low else (b"", b"\xff")


def below(path: str) -> tuple[bytes, bytes]:
    """[low, high) of the keys of all paths below `path`, without `path`."""
    low, high = at_or_below(path)
    return (low + b"\0" if low else b"\x01", high)
