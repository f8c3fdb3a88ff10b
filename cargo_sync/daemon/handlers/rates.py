"""`job.rates`: how fast files moved lately."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from cargo_sync.api.job_commands import RATES, JobRatesArgs
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.routes import Route
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting.rates import JobRates
from cargo_sync.machines.rate_history import DAY, TEN_MINUTES, RateSpan

_SPANS: Final[Mapping[str, RateSpan]] = MappingProxyType({"10m": TEN_MINUTES, "day": DAY})


class RateHandlers:
    """Shows rates of one job, or of all jobs together."""

    def __init__(self, jobs: Jobs, rates: JobRates) -> None:
        self._jobs = jobs
        self._rates = rates

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(RATES, self.show),)

    async def show(self, args: JobRatesArgs) -> JsonObject:
        if args.job is not None:
            self._jobs.check_name(args.job)
        return {"span": args.span, **self._rates.shown(args.job, _SPANS[args.span])}
