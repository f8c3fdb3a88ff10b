"""`history`: what happened to the files of all workspaces."""

from collections.abc import Sequence
from typing import Any, Final

from cargo_sync.api.history_commands import SERVER_HISTORY, FileHistoryArgs
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.model.history import HistoryKind
from cargo_sync.model.path_pattern import PathPattern
from cargo_sync.model.world import Offload
from cargo_sync.server.history.names import WorkspaceNames
from cargo_sync.server.reporting import views
from cargo_sync.state.history import HistoryFilter, HistoryRows
from cargo_sync.suggest import did_you_mean

_NEWEST: Final = 2**62


class HistorySearch:
    """Pages through the history: after a cursor oldest first, else newest first."""

    def __init__(self, rows: HistoryRows, names: WorkspaceNames, offload: Offload) -> None:
        self._rows = rows
        self._names = names
        self._offload = offload

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(SERVER_HISTORY, self.history),)

    async def history(self, args: FileHistoryArgs) -> JsonObject:
        wanted, offload, rows = self._wanted(args), self._offload, self._rows
        # Read before the rows, so that rows that are written in between come in the next page.
        oldest, newest = await offload(rows.bounds)
        if args.since is not None:
            if args.before is not None:
                raise ControlError(
                    ReplyCode.BAD_ARGUMENT, '`history` takes either "since" or "before"'
                )
            page = await offload(rows.after, args.since, wanted, args.limit)
            place: JsonObject = {"next": page.next, "more": page.more, "before": None}
        else:
            before = _NEWEST if args.before is None else args.before
            page = await offload(rows.before, before, wanted, args.limit)
            place = {"next": newest, "more": False, "before": page.next if page.more else None}
        shown = [views.history_row(row, self._names[row.batch.workspace]) for row in page.rows]
        return {"rows": shown, "oldest": oldest, **place}

    def _wanted(self, args: FileHistoryArgs) -> HistoryFilter:
        return HistoryFilter(
            user=args.user,
            kind=None if args.kind is None else HistoryKind(args.kind),
            workspaces=None if args.workspace is None else (self._id(args.workspace),),
            pattern=PathPattern(args.path),
            since=args.start,
            until=args.end,
        )

    def _id(self, name: str) -> int:
        id = self._names.id(name)
        if id is None:
            known = self._names.all()
            hint = did_you_mean(name, known) or "the own folder of a user is USER:default"
            raise ControlError(
                ReplyCode.UNKNOWN_WORKSPACE, f'there is no workspace "{name[:100]}"', hint
            )
        return id
