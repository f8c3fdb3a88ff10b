"""docs/http-api.md's table of statuses is the server's own."""

import re
from pathlib import Path

from cargo_sync.model.problems import Code, Problem
from cargo_sync.process.http.answers import STATUS, status_of

PAGE = Path(__file__).parents[3].joinpath("docs", "http-api.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("\n| status | codes | what |\n")[2].partition("\n\n")[0]


def test_each_code_has_the_status_of_the_page() -> None:
    documented: dict[Code, set[int]] = {}
    for statuses, codes in re.findall(r"^\| ([\d, ]+) \| ([^|]+) \|", TABLE, re.MULTILINE):
        for code in re.findall(r"`(\w+)`", codes):
            documented.setdefault(Code(code), set()).update(map(int, statuses.split(", ")))
    for code, statuses in documented.items():
        for retry in (True, False):
            assert status_of(Problem(code, "it failed", retry=retry)) in statuses
    assert STATUS.keys() <= documented.keys()
