"""Every command that a daemon answers."""

from collections.abc import Mapping
from types import MappingProxyType

from cargo_sync.api.commands import Argument, Command, Role
from cargo_sync.api.common_commands import COMMON, LONGEST_PAGE, PAGE

__all__ = ["COMMANDS", "LONGEST_PAGE"]

_ONE = {"job": Argument(required=True)}
_ONE_OR_ALL = {"job": Argument()}
_SESSION = {"session": Argument(required=True)}
_AT_PATH = _SESSION | {"path": Argument(required=True)}
_HOW = {"recursive": Argument(bool), "overwrite": Argument(bool)}

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "hello": Command("who answers, and what it supports", role=Role.PLAIN),
        "status": Command("the general state, jobs by state, totals", role=Role.PLAIN),
        "job.list": Command("every job with its state and progress", role=Role.PLAIN),
        "job.show": Command("one job with its settings, and the causes of what fails", _ONE),
        "job.start": Command("end a pause, of one job or all", _ONE_OR_ALL, changes=True),
        "job.pause": Command(
            "stop at once, mid-file, until started; one job or all", _ONE_OR_ALL, True
        ),
        "job.reload": Command("read a job's file again; one job or all", _ONE_OR_ALL, changes=True),
        "job.sync": Command("look for changes now", _ONE, changes=True),
        "job.plan": Command(
            "what the next run would do, without doing it",
            {
                "job": Argument(required=True),
                "run": Argument(),
                "after": Argument(int),
                "limit": Argument(int, low=1, high=LONGEST_PAGE),
            },
        ),
        "job.approve": Command("let the held run pass once", _ONE, changes=True),
        "job.speed": Command(
            "another speed than its file's, at once",
            {"job": Argument(required=True), "speed": Argument(required=True, nullable=True)},
            changes=True,
        ),
        "job.add": Command(
            "take in a new job file, given as text",
            {
                "text": Argument(required=True, secret=True),
                "name": Argument(),
                "paused": Argument(bool),
            },
            changes=True,
        ),
        "job.remove": Command("end a job and put its file aside", _ONE, changes=True),
        "job.history": Command(
            "what happened in a job, newest first",
            {
                "job": Argument(required=True),
                "before": Argument(int, low=1),
                "limit": Argument(int, low=1, high=LONGEST_PAGE),
                "failed": Argument(bool),
            },
        ),
        "job.test": Command(
            "try a job's way to its server and its folders, without a run",
            {"job": Argument(required=True), "test": Argument()},
            role=Role.CONTROL,
        ),
        "transfer.list": Command("the files that are on their way"),
        "transfer.cancel": Command(
            "give up one file that is on its way", {"id": Argument(required=True)}, changes=True
        ),
        "history": Command(
            "what happened since a cursor, one row per file", {**PAGE, "job": Argument()}
        ),
        "callback.list": Command(
            "the callbacks that wait, and those that were given up",
            {
                "job": Argument(),
                "state": Argument(),
                "after": Argument(int),
                "limit": Argument(int, low=1, high=LONGEST_PAGE),
            },
        ),
        "callback.retry": Command(
            "try callbacks now; one, a job's or all",
            {"id": Argument(), "job": Argument()},
            changes=True,
        ),
        "callback.test": Command(
            "send one callback with example values",
            {"job": Argument(required=True), "event": Argument()},
            role=Role.CONTROL,
        ),
        "bandwidth.show": Command("the bandwidth of all jobs together"),
        "bandwidth.set": Command(
            "another bandwidth than the daemon file's, at once",
            {"bandwidth": Argument(required=True, nullable=True)},
            changes=True,
        ),
        "session.look": Command(
            "who answers at an address, with which certificate; no password is sent",
            {"url": Argument(required=True)},
            role=Role.CONTROL,
        ),
        "session.open": Command(
            "log in at a server",
            {
                "url": Argument(required=True),
                "username": Argument(required=True),
                "password": Argument(secret=True),
                "tls_fingerprint": Argument(),
                "ca_file": Argument(),
                "allow_plain": Argument(bool),
                "workspace": Argument(),
                "kind": Argument(),
            },
            changes=True,
        ),
        "session.use": Command(
            "another workspace", _SESSION | {"workspace": Argument(required=True)}, changes=True
        ),
        "session.show": Command("one session with its transfers", _SESSION, role=Role.CONTROL),
        "session.list": Command(
            "what is in a folder of the server",
            _SESSION
            | {
                "path": Argument(required=True, empty=True),
                "after": Argument(empty=True),
                "limit": Argument(int, low=1, high=LONGEST_PAGE),
            },
            role=Role.CONTROL,
        ),
        "session.stat": Command(
            "one file or folder of the server",
            _SESSION | {"path": Argument(required=True, empty=True)},
            role=Role.CONTROL,
        ),
        "session.get": Command(
            "bring a file or a folder here",
            _SESSION
            | {"remote": Argument(required=True, empty=True), "local": Argument(required=True)}
            | _HOW,
            changes=True,
        ),
        "session.put": Command(
            "bring a file or a folder to the server",
            _SESSION | {"local": Argument(required=True), "remote": Argument(empty=True)} | _HOW,
            changes=True,
        ),
        "session.mkdir": Command("make a folder on the server", _AT_PATH, changes=True),
        "session.delete": Command(
            "to the server's trash", _AT_PATH | {"recursive": Argument(bool)}, changes=True
        ),
        "session.move": Command(
            "rename on the server", _AT_PATH | {"to": Argument(required=True)}, True
        ),
        "session.speed": Command(
            "what its transfers may use together",
            _SESSION | {"speed": Argument(required=True, nullable=True)},
            changes=True,
        ),
        "session.cancel": Command(
            "stop a transfer at its checkpoint",
            _SESSION | {"transfer": Argument(required=True)},
            changes=True,
        ),
        "session.close": Command("log out; its transfers stop", _SESSION, changes=True),
        "reload": Command("read all configuration again", changes=True),
        "shutdown": Command("end the daemon", changes=True),
        **COMMON,
    }
)
