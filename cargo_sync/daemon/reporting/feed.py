"""What the daemon publishes, and when.

States are published when they change, notices when they come, progress once per second and only if
somebody subscribed to it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from cargo_sync.api import topics
from cargo_sync.control.changes import Changes, Publish
from cargo_sync.daemon.job.status import Advance, JobStatus
from cargo_sync.daemon.job.supervisor import Listener, Supervisor
from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.daemon.jobs.unusable import UnusableJob
from cargo_sync.daemon.reporting import views
from cargo_sync.machines.job_state import JobState
from cargo_sync.model.events import EventGroup
from cargo_sync.process.wakeup import Wakeup

TICK: Final = 1.0
"""Seconds."""
_OLD_ENOUGH: Final = 1
"""Ticks before this one in which a transfer must have been seen, to get messages of its own."""

_log = logging.getLogger(__name__)


class DaemonFeed(Listener):
    """Publishes what happens to the jobs.

    jobs      gives them as they are now, by name
    unusable  gives those that cannot run, by name
    """

    def __init__(
        self,
        publisher: Publish,
        jobs: Callable[[], Mapping[str, Job]],
        unusable: Callable[[], Mapping[str, UnusableJob]],
    ) -> None:
        self._publisher = publisher
        self._jobs = jobs
        self._unusable = unusable
        self._changes = Changes(publisher)
        self._states: dict[str, JobState] = {}
        self._moving: set[str] = set()
        """Jobs whose progress was published."""
        self._transfers: dict[str, int] = {}

    # -- what happens to the jobs ------------------------------------------------------------------

    def happened(self, events: Sequence[EventGroup]) -> None:
        for group in events:
            topic, notice = topics.notice(group.job), views.notice(group)
            self._publisher.publish(topic, "notice", notice, cursor=group.cursor)

    def changed(self, job: Supervisor) -> None:
        found = self._jobs().get(job.name)
        if found is None or found.supervisor is not job:
            return  # another supervisor is taking its place
        status = found.sampler.status()
        self._publish_state(status)
        # With hundreds of jobs, reading all of them at every look of one would be most of the
        # daemon's work.
        if self._states.get(job.name) is not status.state:
            self._states[job.name] = status.state
            self._publish_general()

    def removed(self, name: str) -> None:
        self._states.pop(name, None)
        self._moving.discard(name)
        self._publisher.publish(topics.job_status(name), "status", views.removed(name))
        self._changes.drop(topics.job_status(name))
        self._changes.drop(topics.job_progress(name))
        self._publisher.forget(topics.job(name))
        self._publisher.forget(topics.notice(name))
        self._publish_general()

    # -- once a second -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Ticks until cancelled."""
        never = Wakeup()
        while True:
            try:
                self.tick()
            except Exception as error:  # a bug of ours: it costs one tick, not the daemon
                _log.error("publishing the state of the jobs failed", exc_info=error)
            await never.wait(TICK)

    def tick(self) -> None:
        """Publishes states that changed by themselves, and progress if somebody subscribed."""
        jobs = self._jobs()
        for name, job in jobs.items():
            if job.supervisor.run_now is not None:
                job.sampler.sample()
            if job.supervisor.run_now is not None or not self._changes.has(topics.job_status(name)):
                self._publish_state(job.sampler.status())
        unusable = self._unusable()
        for name, refused in unusable.items():
            fields = partial(views.unusable_state, refused)
            self._changes.publish(topics.job_status(name), "status", refused.detail, fields)
        self._states = {name: job.supervisor.state for name, job in jobs.items()}
        self._states |= dict.fromkeys(unusable, JobState.ERROR)
        self._publish_general()
        if self._publisher.has_subscribers(topics.PROGRESS) or self._publisher.has_subscribers(
            topics.JOBS
        ):
            self._publish_progress(jobs)
        else:
            self._forget_progress()
        if self._publisher.has_subscribers(topics.TRANSFERS):
            self._publish_transfers(jobs)

    def _publish_state(self, status: JobStatus) -> None:
        name = status.settings.name
        # The time of the next look is news only if the job fails or waits for its window. For
        # other jobs it changes at every look.
        shown = status.state in (JobState.ERROR, JobState.WAITING)
        key = (
            status.state,
            status.detail,
            status.errors,
            status.conflicts,
            status.drifted,
            status.last_run.ended if status.last_run else 0,
            round(status.next_at or 0) if shown else 0,
        )
        topic = topics.job_status(name)
        self._changes.publish(topic, "status", key, partial(views.state, status))

    def _publish_general(self) -> None:
        general = views.general(list(self._states.values()))
        self._changes.publish(topics.STATUS, "status", general, lambda: general)

    def _publish_progress(self, jobs: Mapping[str, Job]) -> None:
        advances = {name: job.sampler.advance() for name, job in jobs.items()}
        changed = False
        for name, advance in advances.items():
            if name in self._moving or advance != Advance():
                self._moving.add(name)
                fields = partial(views.progress, advance)
                topic = topics.job_progress(name)
                changed |= self._changes.publish(topic, "progress", advance, fields)
        if changed:
            self._publisher.publish(topics.PROGRESS, "progress", views.totals(advances.values()))

    def _forget_progress(self) -> None:
        """Forgets old progress, so that the next subscriber gets only new progress."""
        for name in self._moving:
            self._changes.drop(topics.job_progress(name))
        if self._moving:
            self._publisher.forget(topics.PROGRESS)
        self._moving.clear()

    def _publish_transfers(self, jobs: Mapping[str, Job]) -> None:
        seen: dict[str, int] = {}
        for job in jobs.values():
            if job.supervisor.run_now is None:
                continue
            for one in job.sampler.under_way():
                age = self._transfers.get(one.id, -1) + 1
                if age == 0 and one.done >= one.size:
                    continue  # it only waits for the other files of its batch
                seen[one.id] = age
                if age >= _OLD_ENOUGH:
                    self._publisher.publish(
                        topics.transfer(one.id), "transfer", views.transfer(one)
                    )
        for id in self._transfers.keys() - seen.keys():
            self._publisher.forget(topics.transfer(id))
        self._transfers = seen
