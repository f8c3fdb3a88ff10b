"""Tasks that run beside an application: the watchdog, the process's metrics, the metrics page."""

import asyncio
import ctypes
import gc
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from cargo_sync.config.process_shape import ProcessSettings
from cargo_sync.process.doors import Doors
from cargo_sync.process.metrics import MetricSource
from cargo_sync.process.service import Service
from cargo_sync.process.tasks import lasting
from cargo_sync.process.vitals import Vitals

COLLECTED: Final = 20_000
"""New objects after which the youngest are searched for garbage. Python's 700 would search the
thousands of values of each batch again and again, for a tenth of the CPU time of small files."""

_M_ARENA_MAX: Final = -8
"""From glibc's malloc.h."""
ARENAS: Final = 2
"""Heaps of glibc. It makes eight per core, and each keeps what its threads needed once."""

_log = logging.getLogger(__name__)


async def alongside(
    settings: ProcessSettings,
    service: Service,
    state: str,
    sources: Sequence[MetricSource],
    doors: Doors,
) -> None:
    """Runs until cancelled.

    Args:
        settings: of the process.
        service: whose notifier feeds the watchdog.
        state: path of the state file.
        sources: the application's metrics.
        doors: the process's TCP ports.
    """
    _tune_collection()
    _limit_arenas()
    for warning in settings.warnings:
        _log.warning("%s", warning)
    async with asyncio.TaskGroup() as group:
        group.create_task(lasting(service.notifier.alive, "the watchdog"))
        if settings.metrics is not None:
            from cargo_sync.process.scrape import Scrape  # brings aiohttp's server to a daemon

            vitals = Vitals(state)
            page = Scrape(settings.metrics, [vitals.families, *sources], doors)
            group.create_task(lasting(vitals.beat, "measuring the event loop"))
            group.create_task(lasting(page.run, "serving metrics"))


def _tune_collection() -> None:
    """Collects garbage less often, and never looks at the objects that exist now: they stay.

    With 500 jobs a full collection took a tenth of a second, every few seconds, and the process
    answered no request in that time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED)


def _limit_arenas() -> None:
    """Keeps the memory of threads in few heaps; only with glibc."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
