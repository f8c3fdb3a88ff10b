"""Checks of a job's state that several commands share."""

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.daemon.job.supervisor import Supervisor


def enabled(job: Supervisor) -> None:
    """Checks that the job is not disabled. Raises ControlError(disabled)."""
    if not job.settings.enabled:
        raise ControlError(
            ReplyCode.DISABLED,
            f'the job "{job.name}" is disabled',
            f'"enabled" is false in {job.settings.file}',
        )


def ready(job: Supervisor) -> None:
    """Checks that the job may run now. Raises ControlError(disabled, paused, outside_window)."""
    enabled(job)
    if job.paused:
        raise ControlError(
            ReplyCode.PAUSED,
            f'the job "{job.name}" is paused',
            "a paused job reads nothing and asks no server: start it first",
        )
    hours = job.bounds.hours
    if not hours.open:
        raise ControlError(
            ReplyCode.OUTSIDE_WINDOW,
            f'the job "{job.name}" moves files from {hours.words()} only',
            f"it starts by itself at {hours.opening()}",
        )
