"""The feed of one source, followed in a thread for all browsers that look at it.

It says when the source is there, and when it has gone; it looks for it again until it is stopped.
Notices that the feed loses are read from the history (`api.gapless`), so each comes once.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from cargo_ctl.web.errors import UNANSWERED
from cargo_ctl.web.source import Presence, present
from cargo_sync.api import topics
from cargo_sync.api.addresses import Addresses
from cargo_sync.api.client import Client, CommandError, NotAdmitted, Subscription, subscribe
from cargo_sync.api.gapless import Gapless
from cargo_sync.api.messages import FeedMessage, JsonObject, encode

AGAIN: Final = 1.0
"""Seconds until a source that is away is looked for again."""
REFUSED_AGAIN: Final = 10.0
"""The same, if it is there and refuses our key."""
_TURN: Final = 0.5
_BATCH: Final = 200
_MOST_UNTOLD: Final = 20
"""Batches that wait for the event loop; then the thread waits, and the feed loses messages."""
_PASSING: Final = ("progress", "transfer", "flow", "session")
"""Types of messages of which only the newest of each topic counts."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the rows of a daemon's history were told, in one of its lives."""

    epoch: str
    row: int


@dataclass(frozen=True, slots=True)
class Told:
    """A message of a source's feed.

    passing  only the newest of its topic counts
    fields   as on the feed
    data     JSON of {"topic", "message"}: encoded once, for all browsers
    """

    topic: str
    passing: bool
    fields: Mapping[str, object]
    data: bytes
    cursor: Cursor | None = None


class FeedListener(Protocol):
    """Who is told; called in the event loop."""

    def up(self, presence: Presence, cursor: Cursor | None) -> None:
        """It is there; what comes after this is told. Also after each restart."""

    def away(self, error: Exception) -> None:
        """It is not there."""

    def told(self, messages: list[Told]) -> None:
        """Some messages, in their order."""

    def lost(self, *, states: bool, rows: bool) -> None:
        """Messages were lost: of states, or rows of the history that are not kept any more."""


class _Restarted(Exception):  # noqa: N818 - what happened, not an error
    """The source was restarted so fast that its sockets never seemed to be gone."""


class Upstream:
    """Follows one feed until it is stopped.

    find      gives the addresses; it raises AddressError and NotRunning
    listener  who is told
    in_loop   calls something in the event loop
    """

    def __init__(
        self,
        find: Callable[[], Addresses],
        listener: FeedListener,
        in_loop: Callable[[Callable[[], None]], object],
    ) -> None:
        self._find = find
        self._listener = listener
        self._in_loop = in_loop
        self._stopped = threading.Event()
        self._room = threading.Semaphore(_MOST_UNTOLD)
        threading.Thread(target=self._run, name="feed", daemon=True).start()

    def stop(self) -> None:
        """Nobody is told anything after this; the thread ends soon."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            pause = AGAIN
            try:
                self._follow()
            except _Restarted:
                continue
            except NotAdmitted as error:
                self._tell(partial(self._listener.away, error))
                pause = REFUSED_AGAIN
            except UNANSWERED as error:
                self._tell(partial(self._listener.away, error))
            self._stopped.wait(pause)

    def _follow(self) -> None:
        """Follows it until it is gone. Raises one of UNANSWERED, or _Restarted."""
        addresses = self._find()
        with Client(addresses.commands, key=addresses.key) as client:
            presence = present(client.call("hello"))
            daemon = presence.kind != "server"
            with subscribe(addresses, topics.ALL if daemon else topics.SERVER) as subscription:
                for _ in subscription.last():
                    pass  # the snapshot, which is asked for later, has newer states
                gapless = _gapless(client) if daemon else None
                start = None if gapless is None else Cursor(presence.epoch, gapless.begun)
                self._tell(partial(self._listener.up, presence, start))
                self._listen(subscription, _Reader(presence.epoch, gapless))

    def _listen(self, subscription: Subscription, reader: "_Reader") -> None:
        while not self._stopped.is_set():
            batch: list[Told] = []
            message = subscription.receive(_TURN)
            while message is not None:
                batch.extend(reader.take(message))
                if len(batch) >= _BATCH:
                    break
                message = subscription.receive(0)
            if reader.lost_states or reader.lost_rows:
                states, rows = reader.lost_states, reader.lost_rows
                reader.lost_states = reader.lost_rows = False
                self._tell(partial(self._listener.lost, states=states, rows=rows))
            if batch:
                self._tell(partial(self._listener.told, batch))

    def _tell(self, call: Callable[[], None]) -> None:
        """Has the event loop call this, unless it was stopped; waits for a loop that is late."""

        def called() -> None:
            self._room.release()
            if not self._stopped.is_set():
                call()

        while not self._room.acquire(timeout=_TURN):
            if self._stopped.is_set():
                return
        if not self._stopped.is_set():
            self._in_loop(called)


class _Reader:
    """Makes of the messages of one connection what is told.

    lost_states  messages of states were lost since this was set back
    lost_rows    rows of the history were lost, and are not kept any more
    """

    def __init__(self, epoch: str, gapless: Gapless | None) -> None:
        self._epoch = epoch
        self._gapless = gapless
        self._lost = 0
        self.lost_states = False
        self.lost_rows = False

    def take(self, message: FeedMessage) -> Iterator[Told]:
        """Raises _Restarted, and what reading the history raises."""
        if message.epoch != self._epoch:
            raise _Restarted
        if message.cursor is not None and self._gapless is not None:
            yield from self._rows(message, self._gapless)
            return
        passing = message.type in _PASSING
        # What was published before the subscription took hold comes as a replay.
        if not passing and message.missed:
            self.lost_states |= message.cursor is None
            self.lost_rows |= message.cursor is not None
        yield told(message)

    def _rows(self, message: FeedMessage, gapless: Gapless) -> Iterator[Told]:
        for one in gapless.take(message):
            yield told(one) if isinstance(one, FeedMessage) else row_told(one, self._epoch)
        if gapless.lost > self._lost:
            self._lost = gapless.lost
            self.lost_rows = True


def told(message: FeedMessage) -> Told:
    """A message of the feed as it is told."""
    head: dict[str, object] = {
        "type": message.type,
        "epoch": message.epoch,
        "seq": message.seq,
        "time": message.time,
    }
    cursor = None
    if message.cursor is not None:
        head["cursor"] = message.cursor
        cursor = Cursor(message.epoch, message.cursor)
    data = encode({"topic": message.topic, "message": head | message.fields})
    return Told(message.topic, message.type in _PASSING, message.fields, data, cursor)


def row_told(row: JsonObject, epoch: str) -> Told:
    """A row of the history as the notice that was lost."""
    fields = {
        "job": row.get("job"),
        "kind": row.get("kind"),
        "count": 1,
        "paths": [row["path"]] if row.get("path") else [],
        "bytes": row.get("bytes"),
        "message": row.get("message"),
    }
    number = row.get("cursor")
    assert isinstance(number, int), "the rows of a daemon have cursors"
    head = {"type": "notice", "epoch": epoch, "time": row.get("time"), "cursor": number}
    topic = topics.notice(str(row.get("job", "")))
    data = encode({"topic": topic, "message": head | fields})
    return Told(topic, False, fields, data, Cursor(epoch, number))


def _gapless(client: Client) -> Gapless | None:
    """What fills gaps, from now on; None where the history may not be read, as at a plain port."""
    try:
        return Gapless(client)
    except CommandError:
        return None
