"""The terminal of `cargo_ctl top`: keys, the feed in one thread, commands in another."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVarTuple

from prompt_toolkit.application import Application
from prompt_toolkit.application.current import get_app
from prompt_toolkit.filters import Condition, Filter
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.styles import Style

from cargo_ctl.top.model import KEYS, Order, TopModel
from cargo_ctl.top.picture import picture
from cargo_sync.api.addresses import Addresses, is_live
from cargo_sync.api.client import Client, CommandError, NotAdmitted, NotRunning, subscribe
from cargo_sync.api.topics import ALL

Told = TypeVarTuple("Told")

_QUIET: Final = 0.25
_RETRY: Final = 1.0
"""Seconds until a daemon that has ended is looked for again."""
_REDRAW: Final = 0.1
_SECOND: Final = 1.0
_ENDED: Final = "the daemon has ended; waiting for it to come back"
_MOVES: Final = {
    Keys.Up: -1, "k": -1, Keys.Down: 1, "j": 1, Keys.Home: -(10**9), Keys.End: 10**9,
}  # fmt: skip
_STYLE: Final = Style.from_dict(
    {
        "head": "ansibrightblack",
        "rule": "ansibrightblack",
        "dim": "ansibrightblack",
        "selected": "reverse",
        "bar": "ansicyan",
        "rest": "ansibrightblack",
        "key": "reverse",
        "question": "bold",
        "said": "bold",
        "state.error": "ansired",
        "state.held": "ansiyellow",
        "state.paused": "ansiyellow",
        "state.syncing": "ansicyan",
        "state.synced": "ansigreen",
    }
)


def run_top(addresses: Addresses) -> None:
    """Shows the daemon until `q` or Ctrl-C. Raises NotAdmitted."""
    asyncio.run(TopScreen(addresses).run())


class TopScreen:
    """One screen, for the daemon at `addresses`."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._model = TopModel()
        self._ended = threading.Event()
        self._commands = ThreadPoolExecutor(1)
        self._refused: NotAdmitted | None = None
        self._loop: asyncio.AbstractEventLoop
        self._app: Application[None] = Application(
            layout=Layout(
                Window(FormattedTextControl(self._text, show_cursor=False), always_hide_cursor=True)
            ),
            key_bindings=self._keys(),
            style=_STYLE,
            full_screen=True,
            min_redraw_interval=_REDRAW,
            refresh_interval=_SECOND,
        )

    async def run(self) -> None:
        """Runs until it is left. Raises NotAdmitted."""
        self._loop = asyncio.get_running_loop()
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        try:
            await self._app.run_async()
        finally:
            self._ended.set()
            self._commands.shutdown(wait=False, cancel_futures=True)
            await asyncio.to_thread(reader.join)
        if self._refused is not None:
            raise self._refused

    def _tell(self, call: Callable[[*Told], None], *args: *Told) -> None:
        """Calls from a thread: `call` runs in the loop, then the screen is drawn."""

        def told() -> None:
            call(*args)
            self._app.invalidate()

        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(told)

    def _leave(self) -> None:
        if self._app.is_running and not self._app.is_done:
            self._app.exit()

    def _text(self) -> StyleAndTextTuples:
        size = get_app().output.get_size()
        lines = picture(self._model, time.time(), size.rows, size.columns)
        text: StyleAndTextTuples = []
        for number, line in enumerate(lines):
            text += [("", "\n")] if number else []
            text += line
        return text

    # -- keys --------------------------------------------------------------------------------------

    def _keys(self) -> KeyBindings:
        model, keys = self._model, KeyBindings()
        free = Condition(lambda: model.question is None)
        for key, lines in _MOVES.items():
            keys.add(key, filter=free)(lambda _, lines=lines: model.move(lines))
        for key, pages in ((Keys.PageUp, -1), (Keys.PageDown, 1)):
            keys.add(key, filter=free)(lambda _, pages=pages: model.move(pages * model.rows))
        for key in KEYS.keys() - {"q"}:
            keys.add(key, filter=free)(lambda _, key=key: self._order(model.key(key)))

        @keys.add("q", filter=free)
        @keys.add(Keys.ControlC)
        @keys.add(Keys.ControlD)
        def _quit(_: KeyPressEvent) -> None:
            self._leave()

        self._add_typing(keys, ~free)
        return keys

    def _add_typing(self, keys: KeyBindings, asked: Filter) -> None:
        """The keys of an answer that is typed."""
        model = self._model

        @keys.add(Keys.Any, filter=asked)
        @keys.add(Keys.BracketedPaste, filter=asked)
        def _typed(event: KeyPressEvent) -> None:
            model.write("".join(each for each in event.data if each.isprintable()))

        @keys.add(Keys.Backspace, filter=asked)
        def _erased(_: KeyPressEvent) -> None:
            model.erase()

        @keys.add(Keys.Escape, filter=asked, eager=True)
        def _left(_: KeyPressEvent) -> None:
            model.leave()

        @keys.add(Keys.Enter, filter=asked)
        def _answered(_: KeyPressEvent) -> None:
            self._order(model.answer())

    # -- commands ----------------------------------------------------------------------------------

    def _order(self, orders: Sequence[Order]) -> None:
        for order in orders:
            self._commands.submit(self._send, order)

    def _send(self, order: Order) -> None:
        try:
            with Client(self._addresses.commands, key=self._addresses.key) as client:
                result = client.call(order.cmd, order.args)
        except CommandError as error:
            self._tell(self._model.refused, error.message, error.hint)
        except NotAdmitted as error:
            self._tell(self._model.refused, error.message, error.hint)
        except NotRunning as error:
            self._tell(self._model.refused, str(error), "")
        else:
            self._tell(self._model.done, order, result)

    # -- the feed ----------------------------------------------------------------------------------

    def _read(self) -> None:
        """Reads the feed in a thread; when the daemon is gone, it waits for it to come back."""
        while not self._ended.is_set():
            try:
                with subscribe(self._addresses, ALL) as subscription:
                    while not self._ended.is_set():
                        if (message := subscription.receive(_QUIET)) is not None:
                            self._tell(self._model.take, message)
            except NotRunning:
                self._tell(self._model.lost, _ENDED)
            except NotAdmitted as error:
                self._refused = error
                self._tell(self._leave)
                return
            while not self._ended.wait(_RETRY) and not is_live(self._addresses.feed):
                pass
