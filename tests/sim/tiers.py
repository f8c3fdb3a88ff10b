"""The tiers of the simulation, by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cargo_sync.model.actions import Op
from tests.sim import disk, foreign, nodes, planner, system, two_way, two_way_system, weather
from tests.sim.campaign import Tell, Tier
from tests.sim.lanes import FRAMES
from tests.sim.people import ACTS, BOTH_RENAME

_ACTS: Final = frozenset(f"act {name}" for name in ACTS)
_PEERS: Final = _ACTS | {f"act {name}" for name in BOTH_RENAME}


@contextmanager
def _planner() -> Iterator[Tell]:
    yield planner.tell


@contextmanager
def _nodes() -> Iterator[Tell]:
    yield nodes.tell


@contextmanager
def _two_way() -> Iterator[Tell]:
    yield two_way.tell


@contextmanager
def _foreign_planner() -> Iterator[Tell]:
    yield foreign.tell_planner


@contextmanager
def _foreign_two_way() -> Iterator[Tell]:
    yield foreign.tell_two_way


PLANNER: Final = Tier(
    "planner",
    _planner,
    _ACTS
    | {f"fault {name}" for name in planner.FAULTS}
    | {f"step {op}" for op in planner.STEPS}
    | {"step held"},
    share=1,
)
TWO_WAY: Final = Tier(
    "two-way",
    _two_way,
    _PEERS
    | {f"fault {name}" for name in two_way.FAULTS}
    | {f"step {op}" for op in two_way.STEPS}
    | {"step held", "step conflict", "step proof"},
    share=1,
)
SYSTEM: Final = Tier(
    "system",
    system.ready,
    _ACTS
    | {f"fault {name}" for name in (*weather.FAULTS, *system.BETWEEN)}
    | {f"step {op}" for op in (Op.MKDIR, Op.PUT, Op.MOVE, Op.DELETE, Op.RETIRE)}
    | {"step held", "step fenced", "published later"},
)
TWO_WAY_SYSTEM: Final = Tier(
    "two-way-system",
    two_way_system.ready,
    _PEERS
    | {f"fault {name}" for name in (*weather.FAULTS, *system.BETWEEN)}
    | {f"step {op}" for op in (Op.MKDIR, Op.PUT, Op.DELETE, Op.META, Op.MOVE)}
    | {"step held", "step fenced", "act decide", "published later"}
    | {f"step {op}" for op in ("rename", "rename folder", "rename changed", "exchange")},
)
_NO_LANES: Final = frozenset(f"fault {name}" for name in FRAMES) | {"published later"}
_NOT_TOLD: Final = frozenset(
    f"fault {name}" for name in system.BETWEEN if name not in foreign.BETWEEN
)
FOREIGN_PLANNER: Final = Tier("foreign", _foreign_planner, PLANNER.expected, share=1)
FOREIGN_TWO_WAY: Final = Tier("foreign-two-way", _foreign_two_way, TWO_WAY.expected, share=1)
FOREIGN_SYSTEM: Final = Tier(
    "foreign-system",
    foreign.ready,
    SYSTEM.expected - _NO_LANES - _NOT_TOLD - {"step fenced"},
)
FOREIGN_TWO_WAY_SYSTEM: Final = Tier(
    "foreign-two-way-system",
    foreign.ready_two_way,
    TWO_WAY_SYSTEM.expected - _NO_LANES - _NOT_TOLD - {"step fenced"},
)
DISK: Final = Tier(
    "disk",
    disk.ready,
    frozenset(f"act {name}" for name in disk.ACTS)
    | {f"fault {name}" for name in disk.FAULTS}
    | {f"step {name}" for name in ("uploaded", "downloaded", "deleted", "conflict", "touched")},
)
NODES: Final = Tier(
    "nodes",
    _nodes,
    frozenset(f"act {name}" for name in nodes.ACTS)
    | frozenset(f"fault {name}" for name in nodes.FAULTS)
    | {
        "step receipt",
        "step forwarded",
        "step full",
        "step lost to faults",
        "step piece",
        "step another copy",
        "step packet",
        "step packet refused",
        "step shown",
        "step packet read",
        "step no packet",
        "step small read",
    },
)
TIERS: Final = {
    tier.name: tier
    for tier in (
        PLANNER,
        TWO_WAY,
        SYSTEM,
        TWO_WAY_SYSTEM,
        FOREIGN_PLANNER,
        FOREIGN_TWO_WAY,
        FOREIGN_SYSTEM,
        FOREIGN_TWO_WAY_SYSTEM,
        DISK,
        NODES,
    )
}
