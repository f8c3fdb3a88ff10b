"""Completion of names: the running daemon or server is asked which jobs, users and so on it has."""

import os
from typing import TYPE_CHECKING, Any

import click

from cargo_ctl import answers
from cargo_ctl.reach import Reach
from cargo_ctl.render.words import escaped
from cargo_sync.api.addresses import find
from cargo_sync.api.messages import JsonObject

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

DEADLINE = 0.25
"""Seconds that an answer may take: a person has pressed Tab and waits for it."""
_NAME_FIELDS = ("name", "user", "workspace", "id")
"""The fields that may have the name of a row; the first one that is set counts."""


class NameParameter(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """The name of something that `cmd` lists; the rows' field `about` is shown beside it.

    The name is not checked here: the daemon does that. With `server`, the server is asked; with
    --server, it is asked for what `of_server` lists, if that is given. `field` has the name of a
    row; without it the first of `_NAME_FIELDS` that is set.
    """

    name = "text"

    def __init__(
        self,
        cmd: str,
        about: str = "",
        *,
        server: bool = False,
        of_server: str = "",
        field: str = "",
    ) -> None:
        self._cmd = cmd
        self._of_server = of_server
        self._about = about
        self._server = server
        self._fields = (field,) if field else _NAME_FIELDS

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list["CompletionItem[str]"]:
        """The matching names; none if there is no daemon: Tab must never print an error."""
        from click.shell_completion import CompletionItem

        try:
            rows = self._rows(Reach.of(ctx))
        except Exception:
            return []
        found = [(escaped(name), escaped(about)) for name, about in rows]
        return [
            CompletionItem(name, help=about or None)
            for name, about in found
            if name.startswith(incomplete)
        ]

    def _rows(self, reach: Reach) -> list[tuple[str, str]]:
        from cargo_sync.api.client import Client

        server = self._server or reach.server
        addresses = find(reach.connect, os.environ, server=server, key=reach.key)
        if addresses is None:
            return []
        with Client(addresses.commands, key=addresses.key) as client:
            cmd = self._of_server if server and self._of_server else self._cmd
            result = client.call(cmd, timeout=DEADLINE)
        listed = next((name for name, value in result.items() if isinstance(value, list)), None)
        rows = [] if listed is None else answers.rows(result, listed)
        found = [(self._name(row), str(row.get(self._about) or "")) for row in rows]
        return [(name, about) for name, about in found if name]

    def _name(self, row: JsonObject) -> str:
        return next((str(row[field]) for field in self._fields if row.get(field)), "")


JOB = NameParameter("job.list", "state")
JOB_OR_WORKSPACE = NameParameter("job.list", "state", of_server="workspace.list")
TRANSFER = NameParameter("transfer.list", "path")
CALLBACK = NameParameter("callback.list", "event")
CONFLICT = NameParameter("conflict.list", "path")
KEY = NameParameter("key.list", "role")
USER = NameParameter("user.list", "path", server=True)
WORKSPACE = NameParameter("workspace.list", "path", server=True)
SERVER = NameParameter("server.list", "state", server=True, field="server")
NODE = NameParameter("node.list", "state", server=True, field="node")
INVITATION = NameParameter("user.invitation.list", "user", server=True, field="id")
