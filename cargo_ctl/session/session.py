"""A session's commands as calls; docs/control-protocol.md describes them.

Whatever a call needs of the server it waits for; CommandError says why it was refused, NotRunning
that the daemon went away.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cargo_sync.api.client import Client, CommandError

FILE, FOLDER, LINK = "file", "folder", "link"
_PATIENCE = 90.0
"""Seconds for an answer: the server may be far, busy, or make us wait after wrong passwords."""
_PAGE = 1000
_GONE = frozenset({"unknown", "vanished", "not_found"})


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One name in a folder of the server, and what stands there: size in bytes (None if it is not
    known), mtime in unix seconds.

    `id` is what a backup coordinator calls it.
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


@dataclass(frozen=True, slots=True)
class SessionLogin:
    """What `session.open` takes. The password is shown nowhere."""

    url: str
    username: str
    password: str
    fingerprint: str = ""
    ca_file: str = ""
    allow_plain: bool = False
    workspace: str = ""
    kind: str = "files"

    def args(self) -> dict[str, Any]:
        args: dict[str, Any] = {"url": self.url, "username": self.username}
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
        return args

    def __repr__(self) -> str:
        return f"Login({self.url!r}, {self.username!r})"


class OpenSession:
    """One open session; `opened` is what `session.open` answered."""

    def __init__(self, client: Client, opened: Mapping[str, Any]) -> None:
        self.client = client
        self.id: str = opened["session"]
        self.username: str = opened.get("username") or ""
        self.url: str = opened.get("url") or ""
        self.workspace: str = opened.get("workspace") or ""
        self.workspaces: list[Mapping[str, Any]] = list(opened.get("workspaces") or [])

    @classmethod
    def open(cls, client: Client, login: SessionLogin) -> "OpenSession":
        return cls(client, client.call("session.open", login.args(), _PATIENCE))

    def call(
        self, verb: str, args: Mapping[str, Any] | None = None, timeout: float = _PATIENCE
    ) -> dict[str, Any]:
        """`session.<verb>` of this session."""
        return self.client.call(f"session.{verb}", {"session": self.id, **(args or {})}, timeout)

    def use(self, workspace: str) -> None:
        self.workspace = self.call("use", {"workspace": workspace})["workspace"]

    def entries(self, path: str) -> Iterator[RemoteEntry]:
        """What stands in a folder, by name. A name that could be a path is left out: no server has
        it."""
        after: str | None = None
        while True:
            args: dict[str, Any] = {"path": path, "limit": _PAGE}
            page = self.call("list", args if after is None else args | {"after": after})
            yield from (
                entry for each in page["entries"] if _is_name((entry := entry_of(each)).name)
            )
            after = page.get("next")
            if after is None:
                return

    def stat(self, path: str) -> RemoteEntry | None:
        """What stands at a path, or None."""
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
        """Begin to fetch; the transfer's id."""
        return self._transfer("get", remote, local, recursive, overwrite)

    def put(
        self, local: str, remote: str, *, recursive: bool = False, overwrite: bool = False
    ) -> str:
        """Begin to send; the transfer's id."""
        return self._transfer("put", remote, local, recursive, overwrite)

    def transfers(self) -> list[dict[str, Any]]:
        """The rows of what runs, and of what ended last."""
        rows: list[dict[str, Any]] = self.call("show").get("transfers") or []
        return rows

    def cancel(self, transfer: str) -> None:
        self.call("cancel", {"transfer": transfer})

    def close(self) -> None:
        self.call("close", timeout=5.0)

    def _transfer(
        self, verb: str, remote: str, local: str, recursive: bool, overwrite: bool
    ) -> str:
        args: dict[str, Any] = {"remote": remote, "local": local, "overwrite": overwrite}
        if recursive:
            args["recursive"] = True
        transfer: str = self.call(verb, args)["transfer"]
        return transfer


def entry_of(row: Mapping[str, Any]) -> RemoteEntry:
    return RemoteEntry(
        str(row.get("name") or ""),
        str(row.get("kind") or FILE),
        row.get("size"),
        row.get("mtime"),
        row.get("mode"),
        str(row.get("id") or ""),
    )


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name
