"""What a browser looks at: which messages, and which snapshot."""

from typing import Any

import pytest

from cargo_ctl.web.upstream import Told, told
from cargo_ctl.web.views import View, ViewKind
from cargo_sync.api.client import CommandError
from cargo_sync.api.daemon_commands import COMMANDS as DAEMONS
from cargo_sync.api.messages import FeedMessage, JsonObject
from cargo_sync.api.roles import Role
from cargo_sync.api.server_commands import COMMANDS as SERVERS

ANSWERS: dict[str, dict[str, Any]] = {
    "job.list": {"jobs": [{"name": "a", "state": "held"}]},
    "status": {"totals": {"files_done": 1}},
    "job.show": {"name": "a"},
    "transfer.list": {"transfers": [{"id": "1", "job": "a"}, {"id": "2", "job": "b"}]},
    "flow.list": {"flows": [{"id": "f"}]},
    "user.list": {"users": [{"user": "ana"}]},
    "workspace.list": {"workspaces": []},
    "bandwidth.show": {"bandwidth": []},
    "node.list": {"nodes": [{"node": "cellar"}], "missing": {"copies": 1}, "repair": None},
}


def message(topic: str, **fields: object) -> Told:
    return told(FeedMessage(topic, topic.split("/")[0], "e", 1, 1.0, fields))


TOPICS = {
    "status": message("status/"),
    "totals": message("progress/"),
    "state of a": message("job/a/status"),
    "progress of a": message("job/a/progress"),
    "state of b": message("job/b/status"),
    "notice of a": message("notice/a/"),
    "notice of a/b": message("notice/a%2Fb/"),
    "transfer of a": message("transfer/1/", job="a"),
    "transfer of b": message("transfer/2/", job="b"),
    "flow": message("flow/1/"),
    "node": message("node/cellar/"),
    "repair": message("repair/"),
    "session": message("session/1/"),
}


@pytest.mark.parametrize(
    ("view", "kind", "shown"),
    [
        (
            View(ViewKind.JOBS),
            "daemon",
            "status, totals, state of a, progress of a, state of b, notice of a, notice of a/b",
        ),
        (
            View(ViewKind.JOB, "d", "a"),
            "daemon",
            "state of a, progress of a, notice of a, transfer of a",
        ),
        (View(ViewKind.JOB, "d", "a/b"), "daemon", "notice of a/b"),
        (View(ViewKind.SERVERS), "server", "status, totals"),
        (
            View(ViewKind.SERVER, "s"),
            "server",
            "status, totals, notice of a, notice of a/b, flow, node, repair",
        ),
        (View(ViewKind.TRANSFERS), "daemon", "transfer of a, transfer of b, flow"),
        (View(ViewKind.TRANSFERS), "server", "transfer of a, transfer of b, flow"),
        (View(ViewKind.JOBS), "server", ""),
        (View(ViewKind.SERVERS), "daemon", ""),
    ],
)
def test_which_messages_belong_to_a_view(view: View, kind: str, shown: str) -> None:
    assert ", ".join(name for name, one in TOPICS.items() if view.shows(one, kind)) == shown


async def snapshot(view: View, kind: str) -> tuple[JsonObject, list[str]]:
    asked: list[str] = []

    async def call(cmd: str, args: JsonObject) -> JsonObject:
        asked.append(cmd)
        known = (SERVERS if kind == "server" else DAEMONS)[cmd]
        known.decode(args)
        assert Role.WATCH.may(known.needs), "who may only watch sees every picture"
        return ANSWERS[cmd]

    return await view.snapshot(kind, call), asked


async def test_the_jobs_of_a_daemon() -> None:
    found, asked = await snapshot(View(ViewKind.JOBS), "daemon")
    assert asked == ["job.list", "status"]
    assert found == {
        "jobs": [{"name": "a", "state": "held"}],
        "progress": {"files_done": 1},
    }


async def test_one_job_and_its_transfers() -> None:
    found, asked = await snapshot(View(ViewKind.JOB, "d", "a"), "daemon")
    assert asked == ["job.show", "transfer.list"]
    assert found == {"job": {"name": "a"}, "transfers": [{"id": "1", "job": "a"}]}


async def test_a_server() -> None:
    found, asked = await snapshot(View(ViewKind.SERVER, "s"), "server")
    assert asked == [
        "status", "flow.list", "user.list", "workspace.list", "bandwidth.show", "node.list",
    ]  # fmt: skip
    assert (found["nodes"], found["missing"]) == ([{"node": "cellar"}], {"copies": 1})
    assert found["flows"] == [{"id": "f"}]
    assert found["users"] == [{"user": "ana"}]
    assert (await snapshot(View(ViewKind.SERVERS), "server"))[0] == {"status": ANSWERS["status"]}
    assert (await snapshot(View(ViewKind.TRANSFERS), "server"))[0] == {"flows": [{"id": "f"}]}


@pytest.mark.parametrize(("code", "shown"), [("unknown_command", True), ("forbidden", False)])
async def test_a_server_that_lacks_a_command_is_shown_without_it(code: str, shown: bool) -> None:
    async def call(cmd: str, _: JsonObject) -> JsonObject:
        if cmd == "node.list":
            raise CommandError(code, "no")
        return ANSWERS[cmd]

    view = View(ViewKind.SERVER, "s")
    if not shown:
        with pytest.raises(CommandError):
            await view.snapshot("server", call)
        return
    found = await view.snapshot("server", call)
    assert (found["users"], found["nodes"]) == ([{"user": "ana"}], [])
    assert (found["missing"], found["repair"]) == (None, None)


@pytest.mark.parametrize(
    ("view", "kind"),
    [
        (View(ViewKind.JOBS), "server"),
        (View(ViewKind.JOB, "s", "a"), "server"),
        (View(ViewKind.SERVERS), "daemon"),
        (View(ViewKind.SERVER, "d"), "daemon"),
    ],
)
async def test_what_a_view_is_not_about_is_not_asked(view: View, kind: str) -> None:
    assert await snapshot(view, kind) == ({}, [])
