"""The screen of `cargo_ctl top`, with typed keys, a terminal that draws nothing, and a daemon."""

import asyncio
from collections.abc import Callable
from typing import Any

from click.testing import CliRunner
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.input.base import PipeInput
from prompt_toolkit.output import DummyOutput

from cargo_ctl.main import cargo_ctl
from cargo_ctl.top.screen import TopScreen
from cargo_sync.api.messages import ControlError
from cargo_sync.control.publisher import Publisher
from tests.cargo_ctl.top.test_model import HELD
from tests.control.canned import PATIENCE, Canned, canned


def publish(publisher: Publisher) -> None:
    state = {"job": "nightly", "state": "held", "detail": "it waits", "next_at": None}
    publisher.publish("job/nightly/status", "status", state)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)


async def played(daemon: Canned, play: Callable[[TopScreen, PipeInput], Any]) -> None:
    """Runs the screen, and what `play` types."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        screen = TopScreen(daemon.addresses)

        async def type_keys() -> None:
            await until(lambda: "nightly" in screen._model.board.jobs)
            await play(screen, keys)
            keys.send_text("q")

        async with asyncio.TaskGroup() as group:
            group.create_task(type_keys())
            await asyncio.wait_for(screen.run(), PATIENCE)


async def test_keys_become_commands(runtime: str) -> None:
    answers: dict[str, Any] = {
        "job.pause": {"jobs": []},
        "job.speed": ControlError("bad_argument", "no speed", "10mbps"),
        "job.show": {"name": "nightly", "state": "held", "held": HELD | {"ids": ["5f"]}},
        "job.approve": {"run": "r", "held": ["5f"]},
    }
    with canned(runtime, answers) as daemon:
        daemon.tell(publish)

        async def play(screen: TopScreen, keys: PipeInput) -> None:
            model = screen._model
            keys.send_text("p")
            await until(lambda: model.said == "nightly: paused")
            keys.send_text("l9x\x7f\r")
            await until(lambda: model.said == "no speed (10mbps)")
            keys.send_text("a")
            await until(lambda: model.question)
            keys.send_text("y\r")
            await until(lambda: model.said == "nightly: approved")

        await played(daemon, play)
    assert daemon.asked == [
        ("job.pause", {"job": "nightly"}),
        ("job.speed", {"job": "nightly", "speed": "9"}),
        ("job.show", {"job": "nightly"}),
        ("job.approve", {"job": "nightly", "held": "5f"}),
    ]


def test_it_needs_a_terminal(runtime: str) -> None:
    with canned(runtime, {}):
        result = CliRunner().invoke(cargo_ctl, ["top"])
    assert result.exit_code == 2 and "top needs a terminal" in result.stderr
