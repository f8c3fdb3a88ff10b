"""How a page of changes is stored."""

from cargo_sync.engine.survey import PART, _parts
from cargo_sync.model.entries import Entry


def test_a_page_of_long_paths_is_stored_in_parts() -> None:
    short: list[tuple[str, Entry | None]] = [(f"photos/{number}.jpg", None) for number in range(9)]
    assert _parts(short) == [short]
    assert _parts([]) == [[]]
    long: list[tuple[str, Entry | None]] = [("d/" * 2000, None)] * 1000
    parts = _parts(long)
    assert [row for part in parts for row in part] == long
    assert len(parts) == 4 and all(len(part) * 4000 < PART + 4001 for part in parts)
