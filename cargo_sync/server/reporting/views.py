"""What a server reports, as JSON values: users, workspaces, flows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from cargo_sync.catalogue.quota_ledger import QuotaNews
from cargo_sync.config.server import UserSettings, WorkspaceSettings
from cargo_sync.config.server_shape import USER_WORKSPACE
from cargo_sync.machines.quota import Quota, QuotaLevel, Use
from cargo_sync.model.history import HistoryRow, ToldBatch
from cargo_sync.model.problems import Problem
from cargo_sync.server.accounts.registry import Read
from cargo_sync.server.accounts.roster import RATES, Roster
from cargo_sync.server.flows.sampler import FlowReading, Totals
from cargo_sync.state.devices import DeviceRow
from cargo_sync.state.invitations import InvitationRow

SHOWN: Final = 20
"""How many errors of folders are shown."""
SHOWN_CHARACTERS: Final = 4_000
"""Of the paths in one notice."""


def user(
    one: UserSettings, flows: Sequence[Mapping[str, Any]], used: Use, expired: bool
) -> dict[str, Any]:
    """A row of `user.list`.

    Args:
        one: the user.
        flows: all that are open, as rows of `flow.list`.
        used: what is in the user's folder.
        expired: whether the user's time is over.
    """
    return {
        "user": one.username,
        "path": one.path,
        "enabled": one.enabled,
        **{field: getattr(one, field) for field in RATES},
        **_quota(Quota(one.quota_bytes, one.quota_files), used),
        "expires": one.expires,
        "expired": expired,
        "networks": list(one.networks),
        "from": _from(bool(one.given)),
        "flows": sum(flow["user"] == one.username for flow in flows),
    }


def whole_user(
    one: UserSettings,
    flows: Sequence[Mapping[str, Any]],
    workspaces: Sequence[WorkspaceSettings],
    used: Use,
    expired: bool,
    file: str,
) -> dict[str, Any]:
    """`user.show`: the row of `user.list` with workspaces, the file's fields, and all flows."""
    granted = [
        {
            "name": space.name,
            **_place(space),
            "access": space.grants[one.username].access,
            "subfolder": space.grants[one.username].path,
        }
        for space in sorted(workspaces, key=lambda space: space.name)
        if one.username in space.grants
    ]
    return user(one, flows, used, expired) | {
        "workspaces": [
            {"name": USER_WORKSPACE, "path": one.path, "access": "rw", "subfolder": ""},
            *granted,
        ],
        "file": file if one.given else None,
        "in_file": sorted(one.given),
        "flows": [each for each in flows if each["user"] == one.username],
    }


def device(one: DeviceRow) -> dict[str, Any]:
    """A device of a user; its times are unix seconds."""
    return {"name": one.name, "made": one.made, "used": one.used}


def invitation(one: InvitationRow, ends: float) -> dict[str, Any]:
    """An invitation that can be used until `ends`, unix seconds."""
    return {"id": one.id, "user": one.user, "ends": ends}


def workspace(
    one: WorkspaceSettings, of_file: WorkspaceSettings | None, used: Use
) -> dict[str, Any]:
    """A row of `workspace.list`. `used` is what is in its folder."""
    return {
        "workspace": one.name,
        **_place(one),
        "grants": {name: grant.shown() for name, grant in sorted(one.grants.items())},
        **_quota(Quota(one.quota_bytes, one.quota_files), used),
        "from": _from(of_file is not None),
        "in_file": sorted(of_file.grants) if of_file is not None else [],
    }


def _place(one: WorkspaceSettings) -> dict[str, Any]:
    """Where the contents of a workspace lie: in a folder, on storage nodes, or in a bucket."""
    if one.bucket is not None:
        return {"path": "", "bucket": str(one.bucket.address)}
    return {"path": one.path} if one.copies is None else {"path": "", "copies": one.copies}


def quota_news(news: QuotaNews) -> dict[str, Any]:
    """The notice of a quota that is reached, or nearly."""
    kind = "quota_reached" if news.level is QuotaLevel.REACHED else "quota_near"
    return {
        "user": news.user,
        **({"workspace": news.workspace} if news.workspace else {}),
        "kind": kind,
        **_quota(news.quota, news.used),
        "message": quota_sentence(news),
    }


def quota_sentence(news: QuotaNews) -> str:
    """What has happened to a quota, for a person."""
    whose = f'the workspace "{news.workspace}"' if news.workspace else f'the user "{news.user}"'
    share = int(100 * (news.quota.share(news.used) or 0))
    if news.level is QuotaLevel.REACHED:
        return f"the quota of {whose} is used up ({share} %): what would be more is refused"
    return f"{share} % of the quota of {whose} are used"


def moment(at: float) -> str:
    """Unix seconds as a time of this machine."""
    return datetime.fromtimestamp(at).astimezone().isoformat(sep=" ", timespec="minutes")


def _quota(quota: Quota, used: Use) -> dict[str, Any]:
    return {"quota": asdict(quota) if quota else None, "used": asdict(used)}


def only_reading(folders: Mapping[str, Sequence[str]]) -> list[str]:
    """Warnings of read-only folders to which users were granted to write: the users by folder."""
    return [
        f"{path} is on a read-only file system: {_some(users)} can only read there "
        '(mount it writable, or grant "ro")'
        for path, users in folders.items()
    ]


def _some(users: Sequence[str]) -> str:
    more = len(users) - SHOWN
    shown = ", ".join(users[:SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def flow(one: FlowReading) -> dict[str, Any]:
    """A row of `flow.list`."""
    return asdict(one) | {"direction": one.direction.value, "since": round(one.since, 3)}


def history_row(row: HistoryRow, workspace: str) -> dict[str, Any]:
    """A row of `history`; `workspace` is the name of its folder, "" if it is not served any more.

    The speed is that of the batch in which the file moved.
    """
    batch = row.batch
    return {
        "cursor": row.cursor,
        "time": batch.time,
        "workspace": workspace or None,
        "kind": batch.kind.value,
        "path": row.path,
        "from": row.before or None,
        "bytes": row.size,
        "hash": row.hash or None,
        "version": row.version,
        "user": batch.user or None,
        "address": batch.address or None,
        "origin": batch.origin or None,
        "flow": batch.flow or None,
        "speed_bps": batch.speed,
    }


def told(one: ToldBatch, workspace: str) -> dict[str, Any]:
    """The notice of a batch: what happened to so many files, and the first of them."""
    batch = one.batch
    return {
        "workspace": workspace,
        "kind": batch.kind.value,
        "user": batch.user or None,
        "count": batch.files,
        "bytes": batch.bytes,
        "paths": _first(one.paths),
        "address": batch.address or None,
        "origin": batch.origin or None,
        "flow": batch.flow or None,
        "speed_bps": batch.speed,
    }


def _first(some: Sequence[str]) -> list[str]:
    """As many of these paths as a notice names."""
    found, room = [], SHOWN_CHARACTERS
    for path in some:
        room -= len(path)
        if room < 0:
            break
        found.append(path)
    return found


def progress(all_flows: Totals) -> dict[str, Any]:
    """The totals of all flows, for `status` and the feed."""
    return asdict(all_flows)


def general(
    roster: Roster, away: Mapping[str, Problem | None], unoffered: int, flows: int
) -> dict[str, Any]:
    """Values that change seldom: the feed's `status/`.

    Args:
        roster: users and workspaces.
        away: the served folders that cannot be used now, with the reason.
        unoffered: how many names in served folders no client could use.
        flows: how many flows are open.
    """
    enabled = sum(one.enabled for one in roster.users)
    return {
        "users": {"enabled": enabled, "disabled": len(roster.users) - enabled},
        "workspaces": len(roster.workspaces),
        "away": len(away),
        "errors": [_error(folder, problem) for folder, problem in away.items() if problem][:SHOWN],
        "unoffered": unoffered,
        "flows": flows,
    }


def _error(folder: str, problem: Problem) -> dict[str, Any]:
    shown = {"code": problem.code_text, "message": problem.message, "hint": problem.hint}
    return {"folder": folder} | shown


def read(found: Read) -> dict[str, Any]:
    """`reload` of a file that could be used."""
    return {
        "users": [{"user": name, "result": result} for name, result in found.users.items()],
        "workspaces": [
            {"workspace": name, "result": result} for name, result in found.workspaces.items()
        ],
        "notices": list(found.notices),
        "errors": [],
    }


def unread(errors: list[str]) -> dict[str, Any]:
    """`reload` of a file that could not be used: nothing has changed."""
    return {"users": [], "workspaces": [], "notices": [], "errors": errors}


def _from(file: bool) -> str:
    return "file" if file else "command"
