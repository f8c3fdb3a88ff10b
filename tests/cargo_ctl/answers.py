"""An answer for each command, and arguments for each renderer, without any error."""

from collections.abc import Callable
from datetime import UTC
from typing import Any

from cargo_ctl.render import (
    bandwidth,
    board,
    callbacks,
    checks,
    cluster,
    conflicts,
    differences,
    flows,
    health,
    history,
    history_files,
    invitations,
    job_files,
    jobs,
    keys,
    live,
    log,
    nodes,
    orphans,
    plan,
    progress,
    runs,
    server_board,
    servers,
    session,
    transfers,
    trash,
    users,
)
from tests.cargo_ctl import server_examples
from tests.cargo_ctl.examples import (
    FAILING,
    LOGGED,
    NOW,
    PLAN_TOTALS,
    PLANNED,
    SHOWN,
    STATUS,
    SYNCING,
    TRANSFERS,
)
from tests.cargo_ctl.server_examples import (
    ANA,
    BEN,
    DOWN,
    FILE_ROW,
    INVITED,
    LOGINS,
    MUSIC,
    PAST,
    UP,
)

HISTORY: dict[str, Any] = {
    "cursor": 7, "time": NOW, "kind": "error", "path": "a", "bytes": 12, "seconds": 2.5,
    "speed_bps": 38,
    "transfer": "1f", "message": "no",
}  # fmt: skip
STEPS = [
    {"name": "server", "ok": True, "message": "it answers", "hint": ""},
    {"name": "clock", "ok": True, "message": "41 s ahead", "hint": "set it"},
    {"name": "speed", "ok": False, "message": "busy", "hint": ""},
]
ADDED = {"name": "a", "file": "/jobs/a.json", "state": "paused"}
ODD = {"field": "a", "line": 2, "message": "b", "hint": "", "text": "f:2: a: b"}
JOB_FILE = {
    "job": "a", "file": "/jobs/a.json", "version": "v", "text": "{}", "fields": {"b": "c"},
    "errors": [ODD], "warnings": [ODD],
}  # fmt: skip
JOB_WRITTEN = {
    "name": "a", "file": "/jobs/a.json", "state": "starting", "changed": True, "old": "/jobs/b",
    "in_place": False, "warnings": [ODD],
}  # fmt: skip
CANCELLED = {"id": "1f", "job": "a", "path": "b"}
STATES = {"jobs": [{"name": "a", "state": "paused"}]}
RELOADED = {"jobs": [{"name": "a", "result": "changed"}], "errors": ["b.json: bad"]}
SERVER_RELOADED = {
    "users": [{"user": "a", "result": "added"}],
    "workspaces": [{"workspace": "b", "result": "removed"}],
    "notices": ["c"], "errors": ["d"],
}  # fmt: skip
SPEED = {
    "job": "a",
    "speed": {
        "file": [{"from": "22:00", "to": "06:00", "speed": 9_000}],
        "override": 5_000,
        "now": 5_000,
    },
}
WINDOWED = SHOWN | {
    "speed": SPEED["speed"],
    "window": {"words": "22:00 to 06:00", "zone": "UTC", "open": False, "changes_at": NOW + 60},
}
EVENT: dict[str, Any] = {
    "cursor": 8, "time": NOW, "job": "a", "kind": "error", "path": "b", "bytes": 12,
    "message": "no",
    "details": {},
}  # fmt: skip
ALL_HISTORY = {"rows": [EVENT], "next": 8, "more": False, "oldest": 1}
KEY = {"name": "a", "role": "watch", "made": NOW, "public": "p"}
AUDIT: dict[str, Any] = {
    "rows": [
        {
            "number": 7,
            "time": NOW,
            "who": 'key "a"',
            "command": "b",
            "args": {"job": "c"},
            "outcome": "d",
        }
    ],
    "next": 7,
}
WAITING = {
    "id": "msg_1", "job": "a", "event": "onFinish", "transfer": "b", "file": "c",
    "state": "pending",
    "created": NOW - 90, "attempts": 2, "next_at": NOW + 30, "error": "answered 503",
}  # fmt: skip
CALLBACKS = {"callbacks": [WAITING], "totals": {"pending": 1, "dead": 0}, "next": None}
TRIED = {"job": "a", "event": "b", "delivered": False, "status": None, "seconds": 1.5, "error": "c"}
SIDE: dict[str, Any] = {
    "kind": "file", "size": 1_234, "mtime": NOW, "hash": "ab" * 32, "target": None, "version": 7,
}  # fmt: skip
CONFLICT: dict[str, Any] = {
    "id": 7, "job": "docs", "path": "report.odt", "state": "open", "policy": "ask",
    "choice": None, "by": None, "copy": None, "run": "r", "time": NOW,
    "base": SIDE, "local": SIDE, "remote": SIDE | {"size": 9, "hash": None},
}  # fmt: skip
CONFLICTS = {"conflicts": [CONFLICT], "totals": {"open": 1, "resolved": 0}, "next": None}
RESOLVED = {"conflict": CONFLICT | {"choice": "local", "by": "person"}, "run": "r2", "waits": ""}
VERSION: dict[str, Any] = {
    "id": "s7", "path": "docs/plan.odt", "kind": "file", "size": 1_234, "hash": "ab" * 32,
    "mtime": NOW, "cause": "deleted", "run": "r", "user": "ana", "time": NOW, "state": "restored",
    "place": "p", "moved_to": "back/plan.odt", "ended": NOW,
}  # fmt: skip
TRASH: dict[str, Any] = {
    "job": "docs", "side": "far", "where": "/srv/ana", "versions": [VERSION],
    "totals": {"files": 1, "bytes": 1_234}, "next": None, "other": None,
}  # fmt: skip
BROUGHT_BACK: dict[str, Any] = {"id": "s7", "code": "done", "path": "docs/plan.odt", "displaced": 1}
NOT_BACK: dict[str, Any] = {
    "id": "s8", "code": "occupied", "path": "d", "message": "a folder", "hint": "elsewhere",
}  # fmt: skip
RESTORED: dict[str, Any] = {
    "job": "docs", "side": "far", "run": "r2", "results": [BROUGHT_BACK],
}  # fmt: skip
RUN: dict[str, Any] = {
    "number": 3, "job": "docs", "run": "r", "started": NOW, "ended": NOW + 5, "files": 2,
    "bytes": 1_234, "errors": 1, "problem": "the disk is full",
}  # fmt: skip
EMPTIED = {"job": "docs", "side": "far", "files": 1, "bytes": 1_234, "more": False}
BANDWIDTH = {"bandwidth": [{"name": "upload", "file": 9_000, "override": 5_000, "now": 5_000}]}
USER_SHOWN = ANA | PAST | {
    "workspaces": [
        {"name": "default", "path": "/srv/ana", "access": "rw", "subfolder": ""},
        {"name": "music", "path": "/srv/music", "access": "wo", "subfolder": "in/ana"},
    ],
    "file": "/etc/server.json",
    "in_file": ["path", "username"], "flows": [UP, DOWN],
}  # fmt: skip
ORPHANS = {
    "workspace": "music", "bucket": "s3+https://store.example/cargo", "objects": 2, "bytes": 300,
    "oldest_s": 800_000, "newest_s": 90_000, "young": 1, "after": None,
}  # fmt: skip
GONE = {"user": "ana", "workspace": "music", "path": "/srv/ana"}

SERVER: dict[str, Any] = {
    "server": "a", "id": "5f0c7a125f0c7a125f0c7a125f0c7a12", "state": "up", "this": True,
    "address": "https://a.example:8443", "lanes": "10.0.0.1:8444", "version": "1.2",
    "started": 1_700_000_000.0, "seen": 1_700_000_100.0, "silent": 0.4,
    "figures": {
        "uploads": 1, "downloads": 2, "upload_bps": 8_000, "download_bps": 16_000, "cpu": 0.25,
    },
}  # fmt: skip
SERVER_AWAY: dict[str, Any] = SERVER | {
    "server": "b",
    "state": "away",
    "this": False,
    "silent": 75.0,
}
SERVERS = {"servers": [SERVER, SERVER_AWAY]}
SERVER_SHOWN = SERVER | {"flows": [UP]}

NODE_INVITED = {
    "node": "cellar",
    "zone": "house1",
    "ends": 1_700_000_000.0,
    "invitation": "node+cargo://cellar@files.example:8443#yFd5.",
}
NODE: dict[str, Any] = {
    "node": "cellar", "zone": "house1", "state": "down", "draining": True,
    "address": "cellar.lan:8445", "free": 5_000_000, "used": 1_234, "capacity": 6_000_000,
    "blobs": 7, "damaged": 1, "silent": 75.0, "problem": "no answer",
    "missing": {"blobs": 2, "copies": 3, "bytes": 4_000},
    "scrub": {
        "under_way": True, "begun": 1_700_000_000.0, "ended": None, "blobs": 5, "bytes": 900,
        "damaged": 1,
    },
}  # fmt: skip
REPAIR: dict[str, Any] = {
    "copies": 2, "bytes": 3_000, "made": {"copies": 4, "bytes": 5_000}, "speed_bps": 8_000,
    "limit_bps": 200_000_000, "eta_s": 95,
}  # fmt: skip
NODE_SHOWN = NODE | {
    "lane_port": 8446, "fingerprint": "ab" * 32, "drained": False, "repair": REPAIR,
}  # fmt: skip
NODES: dict[str, Any] = {
    "nodes": [
        NODE,
        NODE | {
            "node": "attic", "state": "up", "draining": False, "free": None, "missing": None,
            "scrub": None,
        },
    ],
    "missing": {"blobs": 2, "copies": 3, "bytes": 4_000, "lost": 1, "waits": 2},
    "repair": REPAIR,
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "status": STATUS,
    "job.list": {"jobs": [SYNCING, FAILING]},
    "job.show": WINDOWED,
    "job.add": ADDED,
    "job.read": JOB_FILE,
    "job.write": JOB_WRITTEN,
    "job.remove": ADDED,
    "job.test": {"test": "t", "ready": True, "steps": STEPS},
    "job.history": {"rows": [HISTORY], "next": None},
    "job.verify": {
        "run": "1",
        "ready": True,
        "totals": {"files": 3, "bytes": 7, "again": 1, "gone there": 1},
        "files": [{"path": "a\x1b", "size": 5, "why": "gone there", "again": True}],
        "next": None,
    },
    "job.deliver": {"run": "2"},
    "job.plan": {
        "run": "3f2a",
        "ready": True,
        "totals": PLAN_TOTALS,
        "actions": PLANNED,
        "next": None,
    },
    "job.start": STATES,
    "job.pause": STATES,
    "job.reload": STATES,
    "job.speed": SPEED,
    "job.sync": {"run": "3f2a"},
    "job.approve": {"run": "3f2a", "held": ["5f0c2a91"]},
    "job.reject": {"run": "3f2a", "held": ["5f0c2a91"]},
    "transfer.list": TRANSFERS,
    "transfer.cancel": CANCELLED,
    "history": ALL_HISTORY,
    "callback.list": CALLBACKS,
    "callback.retry": {"count": 1},
    "callback.test": TRIED,
    "conflict.list": CONFLICTS,
    "conflict.show": CONFLICT,
    "conflict.resolve": RESOLVED,
    "trash.list": TRASH,
    "trash.restore": RESTORED,
    "trash.empty": EMPTIED,
    "run.list": {"runs": [RUN], "next": None},
    "run.show": RUN,
    "bandwidth.show": BANDWIDTH,
    "bandwidth.set": BANDWIDTH,
    "user.list": {"users": [ANA, BEN]},
    "user.show": USER_SHOWN,
    "user.add": ANA,
    "user.set": ANA,
    "user.enable": ANA,
    "user.disable": ANA,
    "user.passwd": ANA,
    "user.remove": GONE,
    "user.invite": INVITED,
    "server.list": SERVERS,
    "server.show": SERVER_SHOWN,
    "server.drain": SERVER_SHOWN,
    "server.remove": {"server": "b"},
    "node.invite": NODE_INVITED,
    "node.list": NODES,
    "node.show": NODE_SHOWN,
    "node.drain": NODE_SHOWN,
    "node.remove": {"node": "cellar"},
    "node.scrub": {"node": "cellar"},
    "node.recovery": {"has_key": True, "made": None, "current": None, "nodes": None},
    "node.recovery_key": {},
    "user.invitation.list": {"invitations": LOGINS["invitations"]},
    "user.invitation.revoke": {"id": "5f0c7a12"},
    "user.device.revoke": {"user": "ana", "devices": ["laptop"]},
    "workspace.list": {"workspaces": [MUSIC]},
    "workspace.add": MUSIC,
    "workspace.set": MUSIC,
    "workspace.grant": MUSIC,
    "workspace.revoke": MUSIC,
    "workspace.remove": GONE,
    "workspace.orphans": ORPHANS,
    "workspace.reclaim": ORPHANS,
    "flow.list": {"flows": [UP, DOWN]},
    "key.list": {"keys": [KEY]},
    "key.add": {"key": KEY, "server": "s", "address": "tcp://box:5556"},
    "key.revoke": {"key": KEY},
    "log": LOGGED | {"rows": LOGGED["rows"][1:]},
    "audit": AUDIT,
    "reload": RELOADED,
    "shutdown": {},
}

MOVED = {
    "session": "s", "transfer": "t", "verb": "get", "remote": "a/b", "local": "/home/b",
    "state": "failed",
    "path": "a/b", "files_done": 1, "files_total": 3, "bytes_done": 5, "bytes_total": 9,
    "speed_bps": 80,
    "eta_s": 2, "skipped": 1, "displaced": 1, "failures": 2, "resumed": 4,
    "message": "put to trash",
    "failed": [{"path": "c", "message": "no"}, {"path": "d", "message": "no"}],
    "problem": {"code": "cut", "message": "cut", "hint": "again"},
}  # fmt: skip
"""A failed get or put of a session."""


def health_line(of: Callable[[Any], Any], result: Any) -> str:
    """A line of `status --check`."""
    line: str = of(result).line
    return line


RENDERERS: dict[Callable[..., Any], tuple[Any, ...]] = {
    session.name: (MOVED,),
    session.resumes: (MOVED,),
    session.ended: (MOVED, 2.5),
    session.line: (MOVED, 60),
    jobs.status: (STATUS,),
    jobs.job_list: ({"jobs": [SYNCING, FAILING]}, NOW),
    jobs.explained: (FAILING, NOW),
    jobs.job_show: (WINDOWED, NOW),
    jobs.states: (STATES,),
    jobs.started: ("a", {"run": "3f2a"}),
    jobs.speed_set: (SPEED,),
    jobs.added: (ADDED,),
    jobs.removal: ("a",),
    jobs.removed: (ADDED,),
    jobs.reloaded: (RELOADED,),
    job_files.unchanged: ("a",),
    job_files.written: (JOB_WRITTEN,),
    health_line: (health.of_jobs, {"jobs": [FAILING]}),
    transfers.transfer_list: (TRANSFERS,),
    transfers.cancelled: (CANCELLED,),
    plan.actions: (PLANNED,),
    differences.files: ([{"path": "a", "size": 5, "why": "gone there", "again": True}],),
    differences.totals: ("a", {"files": 3, "bytes": 7, "again": 1, "gone there": 1}, 1),
    plan.totals: ("a", PLAN_TOTALS, 4, False),
    history.of_job: ("a", [HISTORY], None, UTC),
    checks.step: (STEPS[1],),
    board.job_state: ("a", {"state": "error", "detail": "no"}),
    board.notice: (
        "a",
        {"kind": "error", "count": 2, "paths": ["b", "c"], "bytes": 3, "message": "no"},
    ),
    history.happened: (EVENT,),
    history_files.happened: (FILE_ROW,),
    history_files.csv_line: (FILE_ROW,),
    callbacks.callback_list: (CALLBACKS, NOW),
    callbacks.tested: (TRIED,),
    conflicts.conflict_list: (CONFLICTS, UTC),
    conflicts.conflict_show: (CONFLICT, UTC),
    conflicts.resolved: (RESOLVED,),
    runs.run_list: ({"runs": [RUN]}, UTC),
    runs.run_show: ({"run": RUN, "versions": [VERSION], "more": True}, UTC),
    trash.table_of: ([VERSION], UTC),
    trash.versions: (TRASH, UTC),
    trash.restored: (NOT_BACK,),
    trash.emptying: (TRASH, 7 * 86_400),
    keys.key_list: ({"keys": [KEY]},),
    keys.added: ("a", "watch", "tcp://box:5556", "a.key"),
    keys.revoked: ({"key": KEY},),
    keys.audit: (AUDIT,),
    bandwidth.bandwidth: (BANDWIDTH,),
    log.line: (LOGGED["rows"][1],),
    cluster.server_list: (SERVERS,),
    cluster.server_show: (SERVER_SHOWN,),
    cluster.one_server: (SERVER,),
    cluster.draining: (SERVER | {"state": "draining"},),
    cluster.removed: ({"server": "b"},),
    nodes.about_invitation: (NODE_INVITED,),
    nodes.invitation_line: (NODE_INVITED,),
    nodes.node_list: (NODES,),
    nodes.node_show: (NODE_SHOWN,),
    nodes.in_all: ([NODE], NODES),
    nodes.one_node: (NODE,),
    nodes.removal: ("cellar",),
    nodes.removed: ({"node": "cellar"},),
    nodes.scrubbing: ({"node": "cellar"},),
    invitations.line: (INVITED,),
    invitations.about: (INVITED,),
    invitations.invitation_list: (LOGINS,),
    invitations.revoked: ({"id": "a"},),
    invitations.devices_revoked: ({"user": "ana", "devices": ["laptop"]},),
    invitations.logins: (LOGINS,),
    users.user_list: ({"users": [ANA, BEN]},),
    users.one_user: (ANA,),
    users.removal: ("a",),
    users.workspace_removal: ("a",),
    users.removed_user: (GONE,),
    users.new_password: (ANA,),
    users.user_show: (USER_SHOWN,),
    users.workspace_list: ({"workspaces": [MUSIC, MUSIC | {"path": "", "copies": 2}]},),
    users.one_workspace: (MUSIC,),
    users.removed_workspace: (GONE,),
    orphans.orphans: (ORPHANS,),
    orphans.reclaiming: (ORPHANS,),
    orphans.reclaimed: (ORPHANS,),
    flows.flow_list: ({"flows": [UP, DOWN]},),
    flows.flow_table: ([UP, DOWN | {"server": "a"}],),
    flows.place: (UP,),
    servers.reloaded: (SERVER_RELOADED,),
    server_board.flow: (UP,),
    server_board.notice: ({"user": "a", "kind": "b"},),
}
NUMBERS_ALONE: set[Callable[..., Any]] = {
    progress.progress, progress.parts, progress.pace, progress.moving,
    callbacks.retried, servers.status, servers.served, servers.moving,
    trash.summary, trash.emptied, cluster.moved, nodes.repair, nodes.new_recovery_key,
    callbacks.retried, servers.status, servers.served, servers.moving, differences.progress,
    differences.any_in, live.need,
}  # fmt: skip
"""Renderers of values that have no text."""
MADE_OF_THESE = {
    session.rows, session.picture, health.of_jobs, health.of_job, health.of_server,
    job_files.shown,
}  # fmt: skip
"""Renderers that show names with those above, or as rich's text, which is safe; or a file's
lines."""
FIGURES = {"words", "table"}
"""Rooms of `render` that show no message: `escaped` itself, and columns of escaped text."""
FEED = {
    "status/": ("status", STATUS),
    "progress/": ("progress", SYNCING["progress"]),
    "job/n%1B%0D%0ASPOOF/status": ("status", {"state": "error", "detail": "x", "next_at": NOW + 9}),
    "job/n%1B%0D%0ASPOOF/progress": ("progress", SYNCING["progress"]),
    "job/m%1B%0ASPOOF/status": ("status", {"state": "held", "detail": "x", "next_at": None}),
    "transfer/%1B%0ASPOOF/": ("transfer", TRANSFERS["transfers"][0]),
    "notice/n%1B%0ASPOOF/": (
        "notice",
        {"kind": "error", "count": 2, "paths": ["a"], "message": "m"},
    ),
}
"""A message of each kind, by topic: its type and its fields."""
SERVER_FEED = {
    "status/": ("status", server_examples.STATUS),
    "progress/": ("progress", server_examples.STATUS["totals"]),
    "flow/%1B%0ASPOOF/": ("flow", UP | {"ended": False}),
    "flow/a/": ("flow", DOWN | {"ended": False}),
    "flow/b/": ("flow", DOWN | {"ended": True}),
    "node/n%1B%0ASPOOF/": ("node", NODE | {"node": "n\x1b\nSPOOF", "zone": "a\x1b"}),
    "repair/": ("repair", {"missing": NODES["missing"], "repair": REPAIR}),
    "notice/n%1B%0ASPOOF/": ("notice", {"user": "a", "kind": "b"}),
    "notice/m%1B%0ASPOOF/": ("notice", server_examples.FILES_TOLD),
}
"""The same of a server."""
