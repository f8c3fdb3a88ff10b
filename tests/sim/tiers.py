"""The tiers of the simulation, by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cargo_sync.model.actions import Op
from tests.sim import disk, planner, system, weather
from tests.sim.campaign import Tell, Tier
from tests.sim.people import ACTS

_ACTS: Final = frozenset(f"act {name}" for name in ACTS)


@contextmanager
def _planner() -> Iterator[Tell]:
    yield planner.tell


PLANNER: Final = Tier(
    "planner",
    _planner,
    _ACTS
    | {f"fault {name}" for name in planner.FAULTS}
    | {f"step {op}" for op in planner.STEPS}
    | {"step held"},
)
SYSTEM: Final = Tier(
    "system",
    system.ready,
    _ACTS
    | {f"fault {name}" for name in (*weather.FAULTS, *system.BETWEEN)}
    | {f"step {op}" for op in (Op.MKDIR, Op.PUT, Op.DELETE, Op.RETIRE)}
    | {"step held"},
)
DISK: Final = Tier(
    "disk",
    disk.ready,
    frozenset(f"act {name}" for name in disk.ACTS) | {f"fault {name}" for name in disk.FAULTS},
)
TIERS: Final = {tier.name: tier for tier in (PLANNER, SYSTEM, DISK)}
