"""The feed of a page, from a daemon's sockets to the browser's stream."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cargo_ctl.web import fleet as fleets
from cargo_ctl.web import upstream
from cargo_ctl.web.source import Place
from cargo_sync.api.messages import ControlError
from cargo_sync.api.roles import Role
from cargo_sync.control.publisher import Publisher
from tests.cargo_ctl.web.house import PATIENCE, Rows, daemon_answers, hello, page
from tests.control.canned import Canned, canned

DAEMON = [Place("daemon", "daemon")]


def saying(
    topic: str, type: str, cursor: int | None = None, /, **fields: Any
) -> Callable[..., None]:
    def say(publisher: Publisher) -> None:
        publisher.publish(topic, type, fields, cursor=cursor)

    return say


def arrived(daemon: Canned, rows: Rows, path: str) -> None:
    cursor = rows.add(path)
    fields = {"job": "a", "kind": "uploaded", "count": 1, "paths": [path], "bytes": 5}
    daemon.tell(saying("notice/a/", "notice", cursor, **fields))


async def test_a_snapshot_then_events_then_progress(tmp_path: Path, runtime: str) -> None:
    rows = Rows()
    with canned(runtime, daemon_answers(rows)) as daemon:
        daemon.tell(saying("job/a/status", "status", job="a", state="of before"))
        async with (
            page(tmp_path, DAEMON, os.environ, {}) as web,
            web.feed(await web.enter()) as events,
        ):
            name, data = await events.next()
            assert (name, data["source"], data["state"]) == ("snapshot", "daemon", "up")
            assert data["jobs"] == [{"name": "a", "state": "synced"}]
            daemon.tell(saying("job/a/status", "status", job="a", state="syncing"))
            name, data = await events.next()
            assert (name, data["topic"]) == ("event", "job/a/status")
            assert data["message"]["state"] == "syncing", "nothing of before the snapshot"
            daemon.tell(saying("job/a/progress", "progress", bytes_done=1))
            data = await events.until("progress")
            assert data["items"][0]["topic"] == "job/a/progress"
            arrived(daemon, rows, "one.txt")
            data = await events.until("event")
            assert data["message"]["paths"] == ["one.txt"]
            assert events.id == "daemon=e1.1"


async def test_after_a_break_the_missed_notices_come(tmp_path: Path, runtime: str) -> None:
    rows = Rows()
    with canned(runtime, daemon_answers(rows)) as daemon:
        async with page(tmp_path, DAEMON, os.environ, {}) as web:
            bearer = await web.enter()
            async with web.feed(bearer) as events:
                await events.next()
                arrived(daemon, rows, "one.txt")
                await events.until("event")
                last = events.id
            arrived(daemon, rows, "two.txt")
            arrived(daemon, rows, "three.txt")
            async with web.feed(bearer, last=last) as events:
                await events.until("snapshot")
                found = [await events.until("event") for _ in range(2)]
                assert [one["message"]["paths"] for one in found] == [["two.txt"], ["three.txt"]]
                arrived(daemon, rows, "four.txt")
                assert (await events.until("event"))["message"]["paths"] == ["four.txt"]
                assert events.id == "daemon=e1.4"


@pytest.mark.parametrize("why", ["another life", "not kept", "too many"])
async def test_what_cannot_be_told_again(
    tmp_path: Path, runtime: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Rows()
    for number in range(10):
        rows.add(str(number))
    if why == "not kept":
        rows.oldest = 5
    if why == "too many":
        monkeypatch.setattr(fleets, "MOST_MISSED", 3)
    with canned(runtime, daemon_answers(rows)):
        async with page(tmp_path, DAEMON, os.environ, {}) as web:
            last = "daemon=e0.2" if why == "another life" else "daemon=e1.2"
            async with web.feed(await web.enter(), last=last) as events:
                assert (await events.next())[0] == "snapshot"
                assert await events.next() == ("reset", {"source": "daemon"})


async def test_notices_that_the_feed_lost_are_read_from_the_history(
    tmp_path: Path, runtime: str
) -> None:
    rows = Rows()

    def silently(publisher: Publisher) -> None:
        sockets, publisher._subscribers = publisher._subscribers, {}
        publisher.publish("notice/a/", "notice", {"count": 1}, cursor=rows.add("lost.txt"))
        publisher._subscribers = sockets

    with canned(runtime, daemon_answers(rows)) as daemon:
        async with (
            page(tmp_path, DAEMON, os.environ, {}) as web,
            web.feed(await web.enter()) as events,
        ):
            await events.next()
            arrived(daemon, rows, "one.txt")
            daemon.tell(silently)
            arrived(daemon, rows, "three.txt")
            found = [(await events.until("event"))["message"] for _ in range(3)]
            assert [one["paths"] for one in found] == [["one.txt"], ["lost.txt"], ["three.txt"]]
            assert [one["cursor"] for one in found] == [1, 2, 3]


async def test_lost_states_bring_a_new_snapshot(tmp_path: Path, runtime: str) -> None:
    def silently(publisher: Publisher) -> None:
        sockets, publisher._subscribers = publisher._subscribers, {}
        publisher.publish("job/a/status", "status", {"state": "lost"})
        publisher._subscribers = sockets

    with canned(runtime, daemon_answers()) as daemon:
        async with (
            page(tmp_path, DAEMON, os.environ, {}) as web,
            web.feed(await web.enter()) as events,
        ):
            await events.next()
            daemon.tell(saying("job/a/status", "status", state="syncing"))
            await events.until("event")
            daemon.tell(silently)
            daemon.tell(saying("job/a/status", "status", state="synced"))
            assert (await events.until("snapshot"))["source"] == "daemon"


async def test_a_daemon_that_dies_and_comes_back(
    tmp_path: Path, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "AGAIN", 0.05)
    async with page(tmp_path, DAEMON, os.environ, {}) as web:
        bearer = await web.enter()
        with canned(runtime, daemon_answers()):
            async with web.feed(bearer) as early:
                await early.until("snapshot")
                stream = web.feed(bearer)
                events = await stream.__aenter__()
                await events.until("snapshot")
        assert await events.until("source") == {
            "source": "daemon",
            "state": "away",
            "detail": "the daemon went away (start one with: cargo_sync daemon)",
        }
        async with web.feed(bearer) as late:
            name, data = await late.next()
            assert (name, data["state"]) == ("snapshot", "away")
            with canned(runtime, daemon_answers(more={"hello": hello(epoch="e2")})):
                for one in (events, late):
                    assert await one.until("source") == {
                        "source": "daemon",
                        "state": "up",
                        "detail": "",
                    }
                    assert (await one.until("snapshot"))["jobs"]
        await stream.__aexit__(None, None, None)


async def test_a_source_that_hangs_delays_no_other(
    tmp_path: Path, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cargo_sync.control.router._LAST_WORDS", 0.01)

    async def never(_: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(PATIENCE)
        return {}

    places = [Place("slow", "slow"), Place("daemon", "daemon")]
    slow = {**daemon_answers(), "job.list": never}
    with canned(runtime, slow, "slow"), canned(runtime, daemon_answers()):
        async with (
            page(tmp_path, places, os.environ, {}) as web,
            web.feed(await web.enter()) as events,
        ):
            assert (await events.until("snapshot"))["source"] == "daemon"


async def test_one_subscription_for_all_browsers_and_none_without(
    tmp_path: Path, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleets, "LINGER", 0.0)
    with canned(runtime, daemon_answers()) as daemon:
        async with page(tmp_path, DAEMON, os.environ, {}) as web:
            bearer = await web.enter()
            async with web.feed(bearer) as one, web.feed(bearer) as two:
                await one.next()
                await two.next()
                assert [cmd for cmd, _ in daemon.asked].count("hello") == 1
            while web.fleet._followed["daemon"]._upstream is not None:
                await asyncio.sleep(0.01)


async def test_the_stream_ends_with_the_session(
    tmp_path: Path, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cargo_ctl.web.stream.LOOK", 0.02)
    with canned(runtime, daemon_answers()):
        async with page(tmp_path, DAEMON, os.environ, {"ana": Role.WATCH}) as web:
            bearer = await web.login("ana")
            async with web.feed(bearer) as events:
                await events.next()
                await web.ask("POST", "/api/leave", {}, bearer)
                with pytest.raises(EOFError):
                    await events.next()


async def test_a_browser_that_does_not_read_gets_a_new_snapshot(
    tmp_path: Path, runtime: str
) -> None:
    rows = Rows()
    long = "x" * 60_000
    with canned(runtime, daemon_answers(rows)) as daemon:
        async with (
            page(tmp_path, DAEMON, os.environ, {}) as web,
            web.feed(await web.enter()) as events,
        ):
            await events.next()
            events.response.connection.transport.pause_reading()  # type: ignore[union-attr]
            for number in range(300):  # 18 MB: more than buffers of the system hold
                daemon.tell(saying("job/a/status", "status", state=long, number=number))
            events.response.connection.transport.resume_reading()  # type: ignore[union-attr]
            while (found := await events.next())[0] != "reset":
                assert found[0] == "event"
            assert (await events.until("snapshot"))["state"] == "up"


async def test_a_job_that_is_none(tmp_path: Path, runtime: str) -> None:
    refused = ControlError("unknown_job", "there is no job")
    answers = daemon_answers(more={"job.show": refused})
    with canned(runtime, answers):
        async with page(tmp_path, DAEMON, os.environ, {}) as web:
            query = "view=job&source=daemon&job=none"
            async with web.feed(await web.enter(), query) as events:
                data = await events.until("snapshot")
                assert data["error"]["code"] == "unknown_job"


async def test_a_server(tmp_path: Path, runtime: str) -> None:
    answers = {
        "hello": hello("server"),
        "status": {"kind": "server"},
        "flow.list": {"flows": []},
        "user.list": {"users": [{"user": "ana"}]},
        "workspace.list": {"workspaces": []},
        "bandwidth.show": {"bandwidth": []},
        "node.list": {"nodes": [], "missing": None, "repair": None},
    }
    places = [Place("server", "server", usual=True, kind="server")]
    with canned(runtime, answers, "server") as server:
        async with page(tmp_path, places, os.environ, {}) as web:
            query = "view=server&source=server"
            async with web.feed(await web.enter(), query) as events:
                data = await events.until("snapshot")
                assert data["users"] == [{"user": "ana"}]
                server.tell(saying("notice/ana/", "notice", user="ana", kind="changed"))
                assert (await events.until("event"))["message"]["kind"] == "changed"
                server.tell(saying("flow/1/", "flow", id="1", ended=False))
                data = await events.until("progress")
                assert data["items"][0]["topic"] == "flow/1/"
