"""What a destination does not have any more as it was delivered."""

import pytest

from cargo_sync.model import agreed, entries
from cargo_sync.model.agreed import agree
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.drift import drifted

SOURCE = (
    Entry("a", FILE, 1, 5, 0o666, 3, 3),
    Entry("f", FOLDER, mode=0o755, ident=4),
    Entry("l", LINK, version=5, ident=5, target="a"),
)
DESTINATION = (
    Entry("a", FILE, 1, 5, 0o664, 13, 13),
    Entry("f", FOLDER, mode=0o755, ident=14),
    Entry("l", LINK, version=15, ident=15, target="a"),
)


def count(there: tuple[Entry, ...] | None, mode: Mode) -> int:
    pairs = zip(SOURCE, DESTINATION, strict=True)
    base = [agree(*(pair if mode is Mode.UPLOAD else pair[::-1])) for pair in pairs]
    listing = None if there is None else entries.encode(there)
    return drifted(agreed.encode(tuple(base)), listing, mode)


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])
def test_what_is_changed_or_gone_counts(mode: Mode) -> None:
    a, folder, link = DESTINATION
    assert count(DESTINATION, mode) == 0
    assert count((*DESTINATION, Entry("own", FILE, 1)), mode) == 0
    assert count((a._replace(version=14), folder, link), mode) == 1
    assert count((a, link._replace(ident=16)), mode) == 1, "a folder is no file"
    assert count((a,), mode) == 1
    assert count((), mode) == count(None, mode) == 2
    assert drifted(None, None, mode) == 0
