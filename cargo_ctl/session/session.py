"""The commands of a session as calls; docs/control-protocol.md describes them.

Each call waits for the server's answer. It raises CommandError if the daemon or server refuses, and
NotRunning if the daemon stops.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cargo_ctl import answers
from cargo_sync.api.client import Client, CommandError, NotAdmitted, NotRunning
from cargo_sync.api.messages import JsonObject

FILE, FOLDER, LINK = "file", "folder", "link"
_PATIENCE = 90.0
"""Seconds for an answer: the server may be far away or busy, or delay us after wrong passwords."""
_PAGE = 1000
_GONE = frozenset({"unknown", "vanished", "not_found"})


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One file or folder of the server.

    size   bytes; None if it is not known
    mtime  unix seconds
    id     its ID at a backup coordinator
    """

    name: str
    kind: str
    size: int | None = 0
    mtime: float | None = None
    mode: int | None = None
    id: str = ""

    @property
    def folder(self) -> bool:
        return self.kind == FOLDER


class OfferedWorkspace(NamedTuple):
    """A workspace that the user may open; `access` is rw, ro or wo."""

    name: str
    access: str


@dataclass(frozen=True, slots=True)
class SessionLogin:
    """The arguments of `session.open`. The password is never shown."""

    url: str
    username: str
    password: str
    fingerprint: str = ""
    ca_file: str = ""
    allow_plain: bool = False
    workspace: str = ""
    kind: str = "files"
    host_key: str = ""
    key_file: str = ""
    key_passphrase: str = ""
    agent: bool = False
    region: str = ""
    known_hosts: str = ""
    options: Mapping[str, object] | None = None
    make: bool = False

    def args(self) -> JsonObject:
        args: dict[str, object] = {"url": self.url, "username": self.username}
        if self.password:
            args["password"] = self.password
        if self.fingerprint:
            args["tls_fingerprint"] = self.fingerprint
        if self.ca_file:
            args["ca_file"] = self.ca_file
        if self.allow_plain:
            args["allow_plain"] = True
        if self.workspace:
            args["workspace"] = self.workspace
        if self.kind != "files":
            args["kind"] = self.kind
        others = (
            "host_key", "key_file", "key_passphrase", "region", "known_hosts", "agent", "make",
            "options",
        )  # fmt: skip
        args |= {name: given for name in others if (given := getattr(self, name))}
        return args

    def __repr__(self) -> str:
        return f"Login({self.url!r}, {self.username!r})"


class OpenSession:
    """One open session; `opened` is the answer of `session.open`."""

    def __init__(self, client: Client, opened: JsonObject) -> None:
        self.client = client
        self.id = answers.text(opened, "session")
        self.username = answers.text(opened, "username")
        self.url = answers.text(opened, "url")
        self.workspace = answers.text(opened, "workspace")
        self.workspaces = [_workspace(row) for row in answers.rows(opened, "workspaces")]

    @classmethod
    def closed(cls, client: Client) -> "OpenSession":
        """None at all: every call of it is refused."""
        return cls(
            client,
            dict.fromkeys(("session", "username", "url", "workspace"), "") | {"workspaces": []},
        )

    @classmethod
    def open(cls, client: Client, login: SessionLogin) -> "OpenSession":
        return cls(client, client.call("session.open", login.args(), _PATIENCE))

    def call(
        self, verb: str, args: JsonObject | None = None, timeout: float = _PATIENCE
    ) -> JsonObject:
        """Send the command `session.<verb>`; its result."""
        if not self.id:
            raise CommandError("not_open", "no server is open", "open URL opens one")
        return self.client.call(f"session.{verb}", {"session": self.id, **(args or {})}, timeout)

    def use(self, workspace: str) -> None:
        self.workspace = answers.text(self.call("use", {"workspace": workspace}), "workspace")

    def entries(
        self, path: str, left_out: Callable[[str], None] = lambda message: None
    ) -> Iterator[RemoteEntry]:
        """The content of a folder, by name. Names that could be paths are left out, for safety.

        `left_out` is called with the daemon's message about each name that cannot be used.
        """
        args: dict[str, object] = {"path": path, "limit": _PAGE}
        while True:
            page = self.call("list", args)
            yield from (entry for entry in entries_of(page) if _is_name(entry.name))
            for problem in answers.rows(page, "problems") if "problems" in page else ():
                left_out(answers.text(problem, "message"))
            if page.get("next") is None:
                return
            args["after"] = answers.text(page, "next")

    def versions(self, under: str, pattern: str = "") -> Iterator[JsonObject]:
        """What was replaced and deleted in a folder of the server, the newest first.

        Of paths in it, or of what matches a pattern.
        """
        args: dict[str, object] = {"under": under, "pattern": pattern, "limit": _PAGE}
        while True:
            page = self.call("trash", args)
            yield from answers.rows(page, "versions")
            if (before := answers.cursor(page, "next")) is None:
                return
            args["before"] = before

    def stat(self, path: str) -> RemoteEntry | None:
        """The file or folder at a path, or None."""
        if not path:
            return RemoteEntry("", FOLDER)
        try:
            return entry_of(self.call("stat", {"path": path}))
        except CommandError as error:
            if error.code in _GONE:
                return None
            raise

    def get(
        self, remote: str, local: str, *, recursive: bool = False, overwrite: bool = False
    ) -> str:
        """Start a download; the transfer's id."""
        return self._transfer("get", remote, local, recursive, overwrite)

    def put(
        self, local: str, remote: str, *, recursive: bool = False, overwrite: bool = False
    ) -> str:
        """Start an upload; the transfer's id."""
        return self._transfer("put", remote, local, recursive, overwrite)

    def copy(
        self,
        source: "OpenSession",
        path: str,
        remote: str,
        *,
        recursive: bool = False,
        overwrite: bool = False,
    ) -> str:
        """Start a copy from the server of another session to this one; the transfer's id."""
        args: dict[str, object] = {
            "source": source.id, "path": path, "remote": remote, "overwrite": overwrite,
        }  # fmt: skip
        if recursive:
            args["recursive"] = True
        return answers.text(self.call("copy", args), "transfer")

    def transfers(self) -> list[JsonObject]:
        """The rows of the running transfers and of those that ended last."""
        return answers.rows(self.call("show"), "transfers")

    def cancel(self, transfer: str) -> None:
        self.call("cancel", {"transfer": transfer})

    def close(self) -> None:
        self.call("close", timeout=5.0)

    def leave(self) -> None:
        """Closes it; its daemon may have stopped already."""
        with contextlib.suppress(CommandError, NotAdmitted, NotRunning):
            self.close()

    def _transfer(
        self, verb: str, remote: str, local: str, recursive: bool, overwrite: bool
    ) -> str:
        args: dict[str, object] = {"remote": remote, "local": local, "overwrite": overwrite}
        if recursive:
            args["recursive"] = True
        return answers.text(self.call(verb, args), "transfer")


def entries_of(page: JsonObject) -> list[RemoteEntry]:
    """The entries of a page of `session.list`."""
    return [entry_of(row) for row in answers.rows(page, "entries")]


def entry_of(row: JsonObject) -> RemoteEntry:
    """The entry in a row of `session.list`, or in the answer of `session.stat`."""
    size, mtime, mode = (row.get(name) for name in ("size", "mtime", "mode"))
    return RemoteEntry(
        str(row.get("name") or ""),
        str(row.get("kind") or FILE),
        size if isinstance(size, int) else None,
        mtime if isinstance(mtime, int | float) else None,
        mode if isinstance(mode, int) else None,
        str(row.get("id") or ""),
    )


def _workspace(row: JsonObject) -> OfferedWorkspace:
    return OfferedWorkspace(str(row.get("name") or ""), str(row.get("access") or ""))


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name
