"""What runs beside an application as long as it does: the watchdog, the vital signs, the
metrics."""

import asyncio
import gc
import logging
from collections.abc import Sequence

from cargo_sync.config.process_shape import ProcessSettings
from cargo_sync.process.metrics import MetricSource
from cargo_sync.process.scrape import Scrape
from cargo_sync.process.service import Service
from cargo_sync.process.vitals import Vitals

_log = logging.getLogger(__name__)


async def alongside(
    settings: ProcessSettings, service: Service, state: str, sources: Sequence[MetricSource]
) -> None:
    """Runs until cancelled.

    Args:
        state: path of the state file.
        sources: what the application has to be measured.
    """
    _spare_what_stays()
    for warning in settings.warnings:
        _log.warning("%s", warning)
    async with asyncio.TaskGroup() as group:
        group.create_task(service.notifier.alive())
        if settings.metrics is not None:
            vitals = Vitals(state)
            group.create_task(vitals.beat())
            group.create_task(Scrape(settings.metrics, [vitals.families, *sources]).run())


def _spare_what_stays() -> None:
    """What is there now stays: the collector of cycles need not look through it again and again.

    With 500 jobs a full collection took a tenth of a second, in which nobody is answered, every few
    seconds.
    """
    gc.collect()
    gc.freeze()
