"""Whether all is well, for a monitoring system: a level, a line and figures, as Nagios has them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from cargo_ctl.render.words import count, escaped


class Level(IntEnum):
    """How well it is; the number is the exit code of a plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Health:
    """What a monitoring system is told.

    message  without line breaks
    figures  by name, with their units: B for bytes
    """

    level: Level
    message: str
    figures: Mapping[str, str]

    @property
    def line(self) -> str:
        """`CARGO OK - 5 jobs: 5 synced | jobs=5 errors=0`."""
        figures = " ".join(f"{name}={value}" for name, value in self.figures.items())
        text = f"CARGO {self.level.name} - {self.message.replace('|', '/')}"
        return f"{text} | {figures}" if figures else text


_LEVELS: Final[Mapping[str, Level]] = {
    "error": Level.CRITICAL,
    "held": Level.WARNING,
    "paused": Level.WARNING,
}
"""All other states need nobody."""
_TOLD: Final = 3
"""Jobs whose reasons are told."""


def of_jobs(result: Mapping[str, Any]) -> Health:
    """All jobs of a daemon, from `job.list`: as well as the worst of them."""
    jobs = result.get("jobs") or []
    if not jobs:
        return Health(Level.WARNING, "there are no jobs", {"jobs": "0"})
    states = Counter(str(job.get("state")) for job in jobs)
    conflicts = sum(job.get("conflicts") or 0 for job in jobs)
    words = ", ".join(f"{number:,} {escaped(state)}" for state, number in states.most_common())
    bad = sorted((job for job in jobs if _level(job)), key=lambda job: -_level(job))
    parts = [f"{count(len(jobs), 'job')}: {words}", *map(_reason, bad[:_TOLD])]
    if len(bad) > _TOLD:
        parts.append(f"and {len(bad) - _TOLD:,} more")
    figures = {"jobs": str(len(jobs))}
    figures |= {state: str(states[state]) for state in ("synced", "syncing", "held", "paused")}
    figures |= {"error": str(states["error"]), "conflicts": str(conflicts)}
    return Health(max(map(_level, jobs)), "; ".join(parts), figures | _left(jobs))


def of_job(job: Mapping[str, Any]) -> Health:
    """One job, from `job.show`."""
    figures = {name: str(job.get(name) or 0) for name in ("errors", "conflicts", "drifted")}
    return Health(_level(job), _reason(job), figures | _left([job]))


def of_server(result: Mapping[str, Any]) -> Health:
    """A server, from its `status`."""
    from cargo_ctl.render.servers import moving, served

    errors, warnings = result.get("errors") or [], result.get("warnings") or []
    texts = [one["message"] for one in errors] + list(warnings)
    level = Level.CRITICAL if errors else Level.WARNING if warnings else Level.OK
    totals, data = result.get("totals") or {}, result.get("data_connections") or {}
    users = result.get("users") or {}
    parts = [served(result), moving(totals), *map(escaped, texts[:_TOLD])]
    figures = {
        "users": str(users.get("enabled") or 0),
        "uploads": str(totals.get("uploads") or 0),
        "downloads": str(totals.get("downloads") or 0),
        "data_connections": f"{data.get('open') or 0};;;0;{data.get('most') or 0}",
    }
    nodes = result.get("nodes") or {}
    if nodes.get("count"):
        figures |= {"nodes": str(nodes["count"]), "nodes_away": str(nodes.get("away") or 0)}
        figures["copies_missing"] = str(nodes.get("missing") or 0)
    return Health(level, "; ".join(parts), figures)


def failed(level: Level, message: str) -> Health:
    """Nothing is known, or nothing answers."""
    return Health(level, " ".join(escaped(line.strip()) for line in message.split("\n")), {})


def _level(job: Mapping[str, Any]) -> Level:
    found = _LEVELS.get(str(job.get("state")), Level.OK)
    return max(found, Level.WARNING if job.get("conflicts") else Level.OK)


def _reason(job: Mapping[str, Any]) -> str:
    """`nightly error: the server does not answer`."""
    text = f"{escaped(job.get('name', ''))} {escaped(job.get('state', ''))}"
    if detail := job.get("detail"):
        text += f": {escaped(detail)}"
    if number := job.get("conflicts"):
        text += f", {count(number, 'open conflict')}"
    return text


def _left(jobs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What is still to be moved."""
    moving = [job.get("progress") or {} for job in jobs]
    left = {
        name: sum(
            (one.get(f"{name}_total") or 0) - (one.get(f"{name}_done") or 0) for one in moving
        )
        for name in ("files", "bytes")
    }
    return {"files_left": str(left["files"]), "bytes_left": f"{left['bytes']}B"}
