"""What stands in the way of a step, and what makes room for it."""

import pytest

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.plan.obstacles import obstacle

SOURCE = {"d": FOLDER, "d/e": FOLDER, "f": FILE}


@pytest.mark.parametrize(
    ("path", "there", "found"),
    [
        ("d/e/x", {"d": FILE}, "d"),
        ("d/e/x", {"d": LINK}, "d"),
        ("d/e/x", {"d": FOLDER, "d/e": FILE}, "d/e"),
        ("d/x", {"d": FOLDER}, None),
        ("d/e/x", {}, None),
        ("x", {"x": FILE}, None),
        ("f/x", {"f": FILE}, None),
        ("gone/x", {"gone": FILE}, None),
    ],
)
def test_what_is_in_the_way(path: str, there: dict[str, str], found: str | None) -> None:
    def sides(one: str) -> tuple[Entry | None, Entry | None]:
        here = Entry(one, SOURCE[one]) if one in SOURCE else None
        return here, Entry(one, there[one]) if one in there else None

    step = obstacle(path, sides)
    if found is None:
        assert step is None
    else:
        wanted = Action(Op.MKDIR, found, *sides(found), "another kind is there", drifted=True)
        assert step == wanted
