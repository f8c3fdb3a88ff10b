"""Jobs that cannot run: what is told about them."""

from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import StillValid, still_valid
from cargo_sync.daemon.jobs.unusable import UnusableJob, named_apart, of_file

ERROR = ConfigError(
    [FieldProblem("/jobs/a.json", "sleep", 3, "no"), FieldProblem("/jobs/a.json", "", None, "why")]
)


def events(url: str) -> str:
    body = '{"a": "{{ ERROR }}"}'
    return f'"events": {{"onJobError": {{"method": "POST", "url": "{url}", "body": {body}}}}}'


GOOD = events("https://${HOST}/x")


def unusable(name: str, file: str = "", **changes: Any) -> UnusableJob:
    return UnusableJob(name, file or f"/jobs/{name}.json", "bad_settings", ("no",), **changes)


@pytest.mark.parametrize(
    ("text", "mode", "found"),
    [
        ("{nope", "", []),
        ("[]", "", []),
        ("{}", "", []),
        (f'{{"sync_mode": "uplaod", {GOOD}}}', "", ["onJobError"]),
        (f'{{"sync_mode": "upload", "sleep": "x", {GOOD}}}', "upload", ["onJobError"]),
        (f'{{"sync_mode": ["upload"], "password": "${{NOT_SET}}", {GOOD}}}', "", ["onJobError"]),
        (f'{{"sync_mode": "upload", {events("https://${NOT_SET}/x")}}}', "upload", []),
        (f'{{"sync_mode": "upload", {events("ftp://h/x")}}}', "upload", []),
        ('{"sync_mode": "upload", "events": [1]}', "upload", []),
    ],
)  # fmt: skip
def test_a_callback_counts_if_its_section_is_valid_alone(
    tmp_path: Path, text: str, mode: str, found: list[str]
) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    valid = still_valid(str(path), {"HOST": "hooks.example.org"})
    assert (valid.mode, [event.event for event in valid.events]) == (mode, found)


def test_a_file_that_is_not_there_has_no_valid_part(tmp_path: Path) -> None:
    assert still_valid(str(tmp_path / "none.json"), {}) == StillValid()


def test_it_is_named_by_its_file_and_says_what_is_wrong() -> None:
    job = of_file("/jobs/my.photos.json", ERROR, StillValid())
    assert (job.name, job.code) == ("my.photos", "bad_settings")
    assert job.detail == "/jobs/a.json: why, and 1 more"


@pytest.mark.parametrize(
    ("taken", "names"),
    [
        ([], ["a", "b"]),
        (["a"], ["a.json", "b"]),
        (["a", "a.json"], ["/jobs/a.json", "b"]),
        (["a", "a.json", "/jobs/a.json"], ["b"]),
    ],
)
def test_a_name_that_is_taken_is_not_used(taken: list[str], names: list[str]) -> None:
    assert list(named_apart([unusable("a"), unusable("b")], taken)) == names


def test_two_of_one_name_are_both_shown() -> None:
    jobs = [unusable("a", "/jobs/x.json"), unusable("a", "/jobs/y.json")]
    assert list(named_apart(jobs, ())) == ["a", "y.json"]


def test_the_event_asks_for_a_callback_only_if_the_file_does(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(f"{{{GOOD}}}")
    valid = still_valid(str(path), {"HOST": "h"}).events
    assert unusable("a").event(1.0).tell == ""
    assert unusable("a", mode="upload", events=valid).event(1.0).tell == "upload"
    told = unusable("a", events=valid).event(1.0)
    assert (told.tell, told.path, told.message) == ("unknown", "", "no")
    assert told.details.code == "bad_settings"
