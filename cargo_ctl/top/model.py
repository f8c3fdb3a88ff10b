"""What is selected and what is asked; a key becomes a command. Pure: nothing is read or sent here.

`Board` says what the daemon reported. The selection is a job's name, not a line: when the order
changes, it stays at its job.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cargo_ctl.render.board import Board
from cargo_ctl.render.live import FIRST, need
from cargo_ctl.render.words import count, escaped
from cargo_sync.api.messages import FeedMessage, JsonObject

KEYS: Final[Mapping[str, str]] = {
    "p": "pause or start",
    "s": "sync now",
    "l": "limit its speed",
    "a": "approve what it holds",
    "q": "quit",
}
"""What a key does, for the last line."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command for the daemon; `why` comes back with its answer."""

    cmd: str
    args: JsonObject
    why: str = ""


@dataclass(frozen=True, slots=True)
class TopQuestion:
    """What a person is asked about one job.

    kind   "speed": a text is typed; "approve": y or n
    about  what it is about; may be long
    held   ids of what would pass; none for all that is held
    """

    kind: str
    job: str
    text: str
    about: str = ""
    held: tuple[str, ...] = ()


@dataclass
class TopModel:
    """All that the screen shows.

    selected  name of a job; None without jobs
    top       the first line of the list that is shown
    rows      how many lines of the list fit, as the last picture had it
    question  what is asked now, and what is typed
    said      the last answer of a command, or why something is not possible
    """

    board: Board = field(default_factory=Board)
    selected: str | None = None
    top: int = 0
    rows: int = 1
    question: TopQuestion | None = None
    typed: str = ""
    said: str = ""

    def take(self, message: FeedMessage) -> None:
        """The daemon reports something."""
        self.board.take(message)

    def lost(self, why: str) -> None:
        """The daemon is gone: what it reported does not count any more."""
        self.board, self.question = Board(why), None

    @property
    def names(self) -> Sequence[str]:
        """The jobs, those that need a person first."""
        return sorted(self.board.jobs, key=lambda name: (need(self.board.jobs[name]), name))

    @property
    def job(self) -> Mapping[str, Any] | None:
        """The selected job."""
        return self.board.jobs.get(self.selected) if self.selected is not None else None

    def settle(self, rows: int) -> None:
        """Keeps the selection at a job that is there, and in sight, in a list of so many lines."""
        names = self.names
        self.rows = max(1, rows)
        if self.selected not in self.board.jobs:
            self.selected = names[min(self.top, len(names) - 1)] if names else None
        at = names.index(self.selected) if self.selected is not None else 0
        self.top = min(max(self.top, at - self.rows + 1), at, max(0, len(names) - 1))
        self.top = min(self.top, max(0, len(names) - self.rows))

    # -- keys --------------------------------------------------------------------------------------

    def move(self, lines: int) -> None:
        """Selects the job so many lines below, as far as there is one."""
        names = self.names
        if names:
            at = names.index(self.selected) if self.selected in names else 0
            self.selected = names[min(max(0, at + lines), len(names) - 1)]

    def key(self, key: str) -> Sequence[Order]:
        """The commands that a key of KEYS means now; what it cannot do is said."""
        self.settle(self.rows)  # something may have come since the last picture
        job, name = self.job, self.selected
        if job is None or name is None:
            self.said = "there is no job"
            return ()
        self.said = ""
        match key:
            case "p":
                cmd = "job.start" if job.get("state") == "paused" else "job.pause"
                return (Order(cmd, {"job": name}),)
            case "s":
                return (Order("job.sync", {"job": name}),)
            case "l":
                text = "its highest speed, such as 10mbps, none, or reset for that of the file"
                self.question, self.typed = TopQuestion("speed", name, text), ""
            case "a" if job.get("state") in ("held", "error"):
                return (Order("job.show", {"job": name}, "approve"),)
            case "a":
                self.said = f"{escaped(name)} holds nothing"
        return ()

    def write(self, text: str) -> None:
        """Characters that are typed as an answer."""
        self.typed += text

    def erase(self) -> None:
        """The last character of the answer goes."""
        self.typed = self.typed[:-1]

    def leave(self) -> None:
        """The question is not answered."""
        self.question, self.typed = None, ""

    def answer(self) -> Sequence[Order]:
        """The commands that the typed answer means."""
        question, typed = self.question, self.typed.strip()
        self.leave()
        if question is None or not typed:
            return ()
        if question.kind == "speed":
            speed = None if typed == "reset" else typed
            return (Order("job.speed", {"job": question.job, "speed": speed}),)
        if typed.lower() not in ("y", "yes"):
            return ()
        if not question.held:
            return (Order("job.approve", {"job": question.job}),)
        return [Order("job.approve", {"job": question.job, "held": held}) for held in question.held]

    # -- answers -----------------------------------------------------------------------------------

    def done(self, order: Order, result: Mapping[str, Any]) -> None:
        """A command was answered."""
        name = escaped(str(order.args.get("job", "")))
        if order.why == "approve":
            self._ask_to_approve(result)
            return
        self.said = {
            "job.pause": f"{name}: paused",
            "job.start": f"{name}: started",
            "job.sync": f"{name}: looks for changes now",
            "job.speed": f"{name}: has another speed now",
            "job.approve": f"{name}: approved",
        }.get(order.cmd, "")

    def refused(self, message: str, hint: str) -> None:
        """A command was refused, or the daemon is gone."""
        self.said = f"{escaped(message)} ({escaped(hint)})" if hint else escaped(message)

    def _ask_to_approve(self, shown: Mapping[str, Any]) -> None:
        name, held = str(shown.get("name", "")), shown.get("held")
        detail = escaped(str((held or shown).get("message") or shown.get("detail") or ""))
        if held:
            ids = tuple(map(str, held.get("ids") or ()))
            text = "let exactly this pass? y or n"
            self.question = TopQuestion("approve", name, text, detail, ids)
        elif shown.get("state") == "held" or shown.get("errors"):
            self.question = TopQuestion("approve", name, "approve it? y or n", detail)
        else:
            self.said = f"{escaped(name)} holds nothing any more"
        self.typed = ""


def summary(model: TopModel) -> str:
    """`3 jobs: 1 error, 2 synced`."""
    states = [str(job.get("state", "")) for job in model.board.jobs.values()]
    counts = {state: states.count(state) for state in (*FIRST, *sorted(states)) if state in states}
    words = ", ".join(f"{number:,} {escaped(state)}" for state, number in counts.items())
    return f"{count(len(states), 'job')}: {words}" if states else ""
