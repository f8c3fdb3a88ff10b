"""A daemon's metrics: its jobs by state, and what each job has done since the start.

Counts come from the jobs' events, so that they cost one addition per event and nothing is read.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from cargo_sync.daemon.job.supervisor import Listener
from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.machines.job_state import JobState
from cargo_sync.model.events import EventGroup, Happened
from cargo_sync.process.metrics import Family

MOST: Final = 1_000
"""If a daemon has more jobs than this, there are only sums and no samples per job."""
_MOVED: Final = {Happened.UPLOADED: "upload", Happened.DOWNLOADED: "download"}


class JobMetrics(Listener):
    """Counts events.

    jobs      gives the current jobs by name
    unusable  gives the names of those that cannot run
    """

    def __init__(
        self, jobs: Callable[[], Mapping[str, Job]], unusable: Callable[[], Collection[str]]
    ) -> None:
        self._jobs = jobs
        self._unusable = unusable
        self._files = _JobCounter(
            "cargo_files_total", "Files delivered.", ("cargo_job", "direction")
        )
        self._bytes = _JobCounter(
            "cargo_bytes_total", "Bytes of files delivered.", ("cargo_job", "direction")
        )
        self._errors = _JobCounter("cargo_errors_total", "Failures.", ("cargo_job",))

    def happened(self, events: Sequence[EventGroup]) -> None:
        for group in events:
            if direction := _MOVED.get(group.happened):
                self._files.add(len(group.paths), group.job, direction)
                self._bytes.add(group.bytes, group.job, direction)
            elif group.happened is Happened.FAILED:
                self._errors.add(len(group.paths), group.job)

    def families(self) -> Iterable[Family]:
        jobs, unusable = self._jobs(), self._unusable()
        states = Counter(job.supervisor.state.value for job in jobs.values())
        states[JobState.ERROR.value] += len(unusable)
        yield Family(
            "cargo_daemon_jobs",
            "gauge",
            "Jobs by state.",
            [({"state": state.value}, states[state.value]) for state in JobState],
        )
        rates = [(job.supervisor.name, job.sampler.advance().speed_bps) for job in jobs.values()]
        yield Family.one(
            "cargo_transfer_bandwidth_bits",
            "gauge",
            "Bits of file content per second, over the last few seconds.",
            sum(rate for _, rate in rates),
        )
        failing = [(name, job.supervisor.outcomes.errors) for name, job in jobs.items()]
        failing += [(name, 1) for name in unusable]
        yield Family.one(
            "cargo_failing",
            "gauge",
            "Files and whole jobs that fail now.",
            sum(n for _, n in failing),
        )
        conflicts = [(name, job.supervisor.conflicts) for name, job in jobs.items()]
        yield Family.one(
            "cargo_conflicts",
            "gauge",
            "Open conflicts of two-way jobs.",
            sum(n for _, n in conflicts),
        )
        if len(jobs) <= MOST:
            yield Family(
                "cargo_job_transfer_speed_bits",
                "gauge",
                "Bits of file content per second, for each job that moves files.",
                [({"cargo_job": name}, rate) for name, rate in rates if rate],
            )
            yield Family(
                "cargo_job_failing",
                "gauge",
                "Failing files, for each job where something fails.",
                [({"cargo_job": name}, count) for name, count in failing if count],
            )
            yield Family(
                "cargo_job_conflicts",
                "gauge",
                "Open conflicts, for each job that has some.",
                [({"cargo_job": name}, count) for name, count in conflicts if count],
            )
        for counter in (self._files, self._bytes, self._errors):
            yield counter.family([*jobs, *unusable])


class _JobCounter:
    """Counts per job, and for all jobs together in case there are too many of them."""

    def __init__(self, name: str, help: str, labels: tuple[str, ...]) -> None:
        self._name = name
        self._help = help
        self._labels = labels
        self._of_job: Counter[tuple[str, ...]] = Counter()
        self._total: Counter[tuple[str, ...]] = Counter()

    def add(self, count: int, job: str, *labels: str) -> None:
        self._of_job[(job, *labels)] += count
        self._total[("", *labels)] += count

    def family(self, jobs: Collection[str]) -> Family:
        """Returns the samples, and forgets jobs that are not in `jobs` any more."""
        for key in [key for key in self._of_job if key[0] not in jobs]:
            del self._of_job[key]
        shown = self._of_job if len(jobs) <= MOST else self._total
        samples = [
            (dict(zip(self._labels, key, strict=True)), count) for key, count in shown.items()
        ]
        return Family(self._name, "counter", self._help, samples)
