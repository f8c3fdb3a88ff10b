"""The fields of an answer that commands need, as typed values; renderers take the whole answer.

A daemon of another version may answer differently: then `StrangeAnswer` ends the command.
"""

from typing import NamedTuple

import click

from cargo_sync.api.messages import JsonObject


class StrangeAnswer(click.ClickException):
    """An answer without a field that the command needs, or with a wrong one."""

    def __init__(self, name: str) -> None:
        super().__init__(f'the answer has no valid "{name}": is this a daemon of another version?')


def text(answer: JsonObject, name: str) -> str:
    """A text. Raises StrangeAnswer, as all these functions do."""
    value = answer.get(name)
    if not isinstance(value, str):
        raise StrangeAnswer(name)
    return value


def flag(answer: JsonObject, name: str) -> bool:
    """True or false."""
    value = answer.get(name)
    if not isinstance(value, bool):
        raise StrangeAnswer(name)
    return value


def number(answer: JsonObject, name: str) -> int:
    """A whole number."""
    value = cursor(answer, name)
    if value is None:
        raise StrangeAnswer(name)
    return value


def cursor(answer: JsonObject, name: str) -> int | None:
    """A whole number, or None at the end of a list."""
    value = answer.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise StrangeAnswer(name)
    return value


def moment(answer: JsonObject, name: str) -> float:
    """Unix seconds."""
    value = answer.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise StrangeAnswer(name)
    return value


def part(answer: JsonObject, name: str) -> JsonObject:
    """An object within the answer."""
    value = answer.get(name)
    if not isinstance(value, dict):
        raise StrangeAnswer(name)
    return value


def rows(answer: JsonObject, name: str) -> list[JsonObject]:
    """A list of objects."""
    value = answer.get(name)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise StrangeAnswer(name)
    return value


class Page(NamedTuple):
    """A part of a list. `next`: the cursor to continue from, None at the end."""

    rows: list[JsonObject]
    next: int | None


def page(answer: JsonObject, name: str) -> Page:
    """A page of the list `name`."""
    return Page(rows(answer, name), cursor(answer, "next"))


class HistoryPage(NamedTuple):
    """A page of `history`. `oldest`: the cursor of the first row that is kept."""

    rows: list[JsonObject]
    next: int
    more: bool
    oldest: int


def history_page(answer: JsonObject) -> HistoryPage:
    """The answer of `history`."""
    return HistoryPage(
        rows(answer, "rows"),
        number(answer, "next"),
        flag(answer, "more"),
        number(answer, "oldest"),
    )


class PlanPage(NamedTuple):
    """A page of `job.plan`; it is empty until it is ready."""

    ready: bool
    totals: JsonObject
    actions: list[JsonObject]
    next: int | None


def plan_page(answer: JsonObject) -> PlanPage:
    """The answer of `job.plan`."""
    return PlanPage(
        flag(answer, "ready"),
        part(answer, "totals"),
        rows(answer, "actions"),
        cursor(answer, "next"),
    )


class ComparisonPage(NamedTuple):
    """A page of `job.verify`; without files until it is ready."""

    ready: bool
    totals: JsonObject
    files: list[JsonObject]
    next: int | None


def comparison_page(answer: JsonObject) -> ComparisonPage:
    """The answer of `job.verify`."""
    ready, totals = flag(answer, "ready"), part(answer, "totals")
    if not ready:
        return ComparisonPage(False, totals, [], None)
    return ComparisonPage(True, totals, rows(answer, "files"), cursor(answer, "next"))


class JobFile(NamedTuple):
    """A job's file. `text` and `fields` are None if it is no JSON; `errors` as lines."""

    file: str
    version: str
    text: str | None
    fields: JsonObject | None
    errors: list[str]


def job_file(answer: JsonObject) -> JobFile:
    """The answer of `job.read`."""
    known = answer.get("text") is not None
    return JobFile(
        text(answer, "file"),
        text(answer, "version"),
        text(answer, "text") if known else None,
        part(answer, "fields") if known else None,
        [text(one, "text") for one in rows(answer, "errors")],
    )


class CheckReport(NamedTuple):
    """The steps of `job.test` so far; `ready` when all are done."""

    id: str
    ready: bool
    steps: list[JsonObject]

    @property
    def good(self) -> bool:
        """Whether no step failed."""
        return all(step.get("ok") is True for step in self.steps)


def check_report(answer: JsonObject) -> CheckReport:
    """The answer of `job.test`."""
    return CheckReport(text(answer, "test"), flag(answer, "ready"), rows(answer, "steps"))
