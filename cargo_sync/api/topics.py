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
NODES = "node/"
REPAIR = "repair/"
NOTICES = "notice/"
SESSIONS = "session/"
ALL = (STATUS, PROGRESS, JOBS, TRANSFERS, NOTICES)
"""All topics of a daemon but those of sessions."""
SERVER = (STATUS, PROGRESS, FLOWS, NODES, REPAIR, NOTICES)
"""All topics of a server."""
EVERY = (*ALL, FLOWS, NODES, REPAIR, SESSIONS)
"""How the topics of daemons and servers begin."""


def job(name: str) -> str:
    """The prefix of all topics of one job."""
    return f"{JOBS}{_encoded(name)}/"


def job_status(name: str) -> str:
    """The topic of a job's state."""
    return job(name) + "status"


def job_progress(name: str) -> str:
    """The topic of a job's progress."""
    return job(name) + "progress"


def transfer(id: str) -> str:
    """The topic of one transfer of a job."""
    return f"{TRANSFERS}{_encoded(id)}/"


def flow(id: str) -> str:
    """The topic of one flow of a server."""
    return f"{FLOWS}{_encoded(id)}/"


def node(name: str) -> str:
    """The topic of one storage node of a server."""
    return f"{NODES}{_encoded(name)}/"


def notice(name: str) -> str:
    """The topic of the notices of a job or user."""
    return f"{NOTICES}{_encoded(name)}/"


def session(id: str) -> str:
    """The topic of the gets and puts of one session."""
    return f"{SESSIONS}{_encoded(id)}/"


def name_of(topic: str) -> str:
    """The name or id in a topic: of a job, user, transfer, flow or node; "" for general topics."""
    parts = topic.split("/")
    return unquote(parts[1]) if len(parts) > 2 else ""


def _encoded(name: str) -> str:
    return quote(name, safe="", errors="backslashreplace")
