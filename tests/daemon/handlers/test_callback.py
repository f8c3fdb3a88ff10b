"""`callback.…` through the router, to a real HTTP server."""

from pathlib import Path

from cargo_sync.config.events import read_events
from cargo_sync.webhooks.outbox import GivenUp, New
from tests.daemon.handlers.test_handlers import Daemon, running
from tests.daemon.house import House, settings
from tests.daemon.jobs.test_registry import Files
from tests.e2e.receiver import Receiver


def add(house: House, *jobs: str) -> None:
    rows = [
        New(
            f"msg_{at}",
            job,
            "onFinish",
            f"{at}",
            {"FILE_NAME": "a", "TRANSFER_ID": f"{at}"},
            1.0,
            1.0,
        )
        for at, job in enumerate(jobs)
    ]
    house.callbacks.rows.add(rows, 1)


async def test_list_and_retry(tmp_path: Path) -> None:
    async with running(tmp_path) as daemon:
        assert await daemon.ask("callback.list") == {
            "callbacks": [], "totals": {"pending": 0, "dead": 0}, "next": None,
        }  # fmt: skip
        add(daemon.house, "nightly", "nightly", "gone")
        rows = daemon.house.callbacks.rows
        [first, *_] = rows.page(None, None, 0, 9)
        rows.settle([], [], [GivenUp(first.number, "answered 410")], 5.0)
        page = await daemon.ask("callback.list", limit=2)
        assert page["callbacks"][0] == {
            "id": "msg_0", "job": "nightly", "event": "onFinish", "transfer": "0", "file": "a",
            "state": "dead", "created": 1.0, "attempts": 1, "next_at": None,
            "error": "answered 410",
        }  # fmt: skip
        assert page["totals"] == {"pending": 2, "dead": 1}
        rest = await daemon.ask("callback.list", limit=2, after=page["next"])
        assert ([row["id"] for row in rest["callbacks"]], rest["next"]) == (["msg_2"], None)
        assert (
            len((await daemon.ask("callback.list", job="nightly", state="dead"))["callbacks"]) == 1
        )
        assert await daemon.ask("callback.list", state="deed") == "bad_argument"
        assert await daemon.ask("callback.list", job="nigthly") == "unknown_job"
        assert len((await daemon.ask("callback.list", job="gone"))["callbacks"]) == 1
        assert await daemon.ask("callback.retry", id="msg_0") == {"count": 1}
        assert await daemon.ask("callback.retry", id="msg_9") == "unknown_callback"
        assert await daemon.ask("callback.retry", job="other") == {"count": 0}
        assert await daemon.ask("callback.retry", job="othr") == "unknown_job"
        assert await daemon.ask("callback.retry") == {"count": 3}


async def test_a_trial(tmp_path: Path) -> None:
    receiver = Receiver()
    try:
        async with running(tmp_path) as daemon:
            await check_trial(daemon, receiver)
    finally:
        receiver.down()


async def check_trial(daemon: Daemon, receiver: Receiver) -> None:
    body = {"file": "{{ FILE_NAME }}", "seconds": "{{ DURATION }}"}
    url = f"http://127.0.0.1:{receiver.port}/x"
    events = {
        "onFinish": {"method": "POST", "url": url, "body": body, "secret": "canary"},
        "onIdle": {"method": "GET", "url": "http://127.0.0.1:1/canary"},
    }
    files = daemon.files
    assert isinstance(files, Files)
    files.jobs[0] = settings("nightly", events=read_events(events))
    await daemon.ask("job.reload", job="nightly")
    async with daemon.house.callbacks._send:
        told = await daemon.ask("callback.test", job="nightly")
        assert (told["event"], told["delivered"], told["status"]) == ("onFinish", True, 200)
        assert receiver.taken[0].body == {"file": "folder/example file.txt", "seconds": "1.5"}
        receiver.answers(lambda number: 500)
        told = await daemon.ask("callback.test", job="nightly", event="onFinish")
        assert (told["delivered"], told["status"]) == (False, 500)
        told = await daemon.ask("callback.test", job="nightly", event="onIdle")
        assert (told["status"], told["error"]) == (
            None,
            "127.0.0.1:1 cannot be reached: connection refused",
        )
        assert (
            await daemon.ask("callback.test", job="nightly", event="onHeld") == "unknown_callback"
        )
        assert await daemon.ask("callback.test", job="other") == "unknown_callback"
        assert await daemon.ask("callback.test", job="nobody") == "unknown_job"
    shown = await daemon.ask("job.show", job="nightly")
    assert "canary" not in repr(shown)
