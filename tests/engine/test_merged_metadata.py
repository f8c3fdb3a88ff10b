"""Two-way jobs: what each side changed of one file's content, time and mode."""

from functools import partial
from itertools import product

import pytest

from cargo_sync.model.jobs import Mode
from cargo_sync.testing.tree import MemoryTree
from tests.engine.renames import Make, run

BEFORE = (b"before", 5, 0o644)
CHANGES = {
    "time": (None, 7, None),
    "mode": (None, None, 0o600),
    "both": (None, 8, 0o640),
    "content": (b"longer than before", 9, None),
    "content and mode": (b"other size", 9, 0o400),
}


def change(tree: MemoryTree, name: str, *, more: int) -> None:
    """Changes a file; `more` makes the changes of the two sides differ."""
    content, time, mode = CHANGES[name]
    entry = tree.entry("a")
    assert entry is not None
    if content is not None or time is not None:
        mtime_ns = entry.mtime_ns if time is None else time + more
        tree.save("a", tree.read("a") if content is None else content, mtime_ns)
    if mode is not None:
        tree.set_mode("a", mode + more)


def merged(near: str, far: str) -> tuple[bytes, int, int]:
    """What both sides must have: the side with a new content comes first, then the server."""
    here, there = CHANGES[near], CHANGES[far]
    first, second, more = (here, there, (0, 1)) if here[0] else (there, here, (1, 0))
    found = []
    for at, before in enumerate(BEFORE):
        one, other = first[at], second[at]
        added = more if at else (b"", b"")
        found.append(
            one + added[0] if one is not None else other + added[1] if other is not None else before  # type: ignore[operator]
        )
    return tuple(found)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("near", "far"),
    [one for one in product(CHANGES, CHANGES) if not all("content" in name for name in one)],
)
async def test_each_change_is_on_both_sides(make: Make, near: str, far: str) -> None:
    system = partial(make, Mode.BIDIRECTIONAL, settle=0.0)()
    system.near.write("a", *BEFORE)
    await run(system)
    change(system.near, near, more=0)
    change(system.far, far, more=1)
    for _ in range(5):
        report = await run(system)
    assert not (report.acted or report.advanced)
    for tree in (system.near, system.far):
        entry = tree.entry("a")
        assert entry is not None
        assert (tree.read("a"), entry.mtime_ns, entry.mode) == merged(near, far)
    assert len(system.near.trash) + len(system.far.trash) == ("content" in near + far)
