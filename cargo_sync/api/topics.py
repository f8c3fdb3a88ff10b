"""The feed's topics. A subscription is a prefix: `job/nightly/` is one job's state and progress.

A name of a job or user is percent-encoded, so that it contains no slash and is not the beginning of
another's topic.
"""

from urllib.parse import quote, unquote

STATUS = "status/"
PROGRESS = "progress/"
JOBS = "job/"
TRANSFERS = "transfer/"
FLOWS = "flow/"
NOTICES = "notice/"
SESSIONS = "session/"
ALL = (STATUS, PROGRESS, JOBS, TRANSFERS, NOTICES)
"""Of a daemon."""
SERVER = (STATUS, PROGRESS, FLOWS, NOTICES)


def job(name: str) -> str:
    """All of one job's topics."""
    return f"{JOBS}{_encoded(name)}/"


def job_status(name: str) -> str:
    return job(name) + "status"


def job_progress(name: str) -> str:
    return job(name) + "progress"


def transfer(id: str) -> str:
    return f"{TRANSFERS}{_encoded(id)}/"


def flow(id: str) -> str:
    return f"{FLOWS}{_encoded(id)}/"


def notice(name: str) -> str:
    return f"{NOTICES}{_encoded(name)}/"


def session(id: str) -> str:
    """What one interactive session gets and puts."""
    return f"{SESSIONS}{_encoded(id)}/"


def name_of(topic: str) -> str:
    """The job's or user's name, or transfer's or flow's id, within a topic; "" for the general
    ones."""
    parts = topic.split("/")
    return unquote(parts[1]) if len(parts) > 2 else ""


def _encoded(name: str) -> str:
    return quote(name, safe="", errors="backslashreplace")
