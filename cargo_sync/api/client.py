"""A small synchronous client of the control protocol, for front ends and scripts.

In `api` only this module and `line` import zmq, so that others do not need to load it.
"""

import secrets
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Any, Self

import zmq

from cargo_sync.api.addresses import Addresses, is_live
from cargo_sync.api.keys import ClientKey
from cargo_sync.api.line import ConnectionMonitor, NotAdmitted, NotRunning, prepare
from cargo_sync.api.messages import (
    LONGEST_LIST,
    BadMessage,
    FeedMessage,
    JsonObject,
    Principal,
    Reply,
    Request,
    encode_request,
    last_messages,
    parse_feed,
    parse_reply,
)
from cargo_sync.api.sequence import Sequence

__all__ = ["Client", "CommandError", "NotAdmitted", "NotRunning", "Subscription", "subscribe"]

LONGEST_REPLY = 64 * 1024 * 1024
_WAITING_MESSAGES = 20_000
_LAST_WAIT = 5.0
_TCP = "tcp://"
_LOOK = 1.0
"""Seconds after which a call that waits for a reply checks whether the daemon still runs."""
_NEW_ID: Callable[[], str] = lambda: secrets.token_hex(16)  # noqa: E731


class CommandError(Exception):
    """The daemon refused a command: `code` for programs, `message` and `hint` for people."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.code = code
        self.message = message
        self.hint = hint


class Client:
    """Sends commands to one daemon or server. `address` is that of its commands.

    key  for a port with keys
    """

    def __init__(
        self, address: str, *, key: ClientKey | None = None, new_id: Callable[[], str] = _NEW_ID
    ) -> None:
        self.address = address
        self.key = key
        self._new_id = new_id
        self._context = zmq.Context(1)
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LONGEST_REPLY)
        prepare(self._socket, address, key)
        # Local sockets are checked before each call, so the daemon may restart between two calls.
        self._line = (
            ConnectionMonitor(self._socket, address, key) if address.startswith(_TCP) else None
        )
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        if self._line is not None:
            self._poller.register(self._line.monitor, zmq.POLLIN)
        self._socket.connect(address)

    def call(
        self,
        cmd: str,
        args: JsonObject | None = None,
        timeout: float = 10.0,
        *,
        id: str = "",
        sent_for: Principal | None = None,
    ) -> dict[str, Any]:
        """Sends a command and returns its result.

        Args:
            cmd: the command's name.
            args: its arguments.
            timeout: seconds to wait for the reply.
            id: of the request, to send the same one again; without it a new one.
            sent_for: the person for whom it is sent, if it is not who runs this program.

        Raises:
            CommandError: the daemon refused it; the error says why.
            NotRunning: no process listens there, or no reply came in time.
            NotAdmitted: the port does not know the key, or needs one.
        """
        if self._line is None and not is_live(self.address):
            raise NotRunning(self.address)
        id = id or self._new_id()
        left = self._send(encode_request(Request(cmd, args or {}, id, sent_for)), timeout)
        while left > 0:
            step = min(left, _LOOK)
            ready = dict(self._poller.poll(int(step * 1000)))
            if not ready:
                left -= step
                if self._line is None and not is_live(self.address):
                    raise NotRunning(self.address, lost=True)
                continue
            if self._socket not in ready:
                assert self._line is not None
                self._line.look()
                continue
            try:
                reply = parse_reply(self._socket.recv_multipart()[-1])
            except BadMessage as error:
                raise CommandError(
                    "bad_reply", f"the reply to `{cmd}` cannot be decoded: {error}"
                ) from error
            if reply.id == id:  # the reply to an earlier call that timed out may come late
                return _result(reply)
        message = f"no answer to `{cmd}` from {self.address} within {timeout:g} s"
        raise NotRunning(self.address, message, late=True)

    def _send(self, request: bytes, timeout: float) -> float:
        """Sends a request, without waiting longer than `timeout`; how many seconds are left.

        After a refused handshake libzmq has no connection to queue for: a plain `send` would wait
        forever.

        Raises:
            NotAdmitted: the handshake was refused.
        """
        left = timeout
        while left > 0:
            try:
                self._socket.send_multipart([b"", request], zmq.NOBLOCK)
            except zmq.Again:
                step = min(left, _LOOK)
                if self._line is not None and self._line.monitor.poll(int(step * 1000)):
                    self._line.look()
                elif self._line is None:
                    self._socket.poll(int(step * 1000), zmq.POLLOUT)
                left -= step
            else:
                return left
        return left

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Subscription:
    """A subscription to some topics (prefixes) of one feed; as an iterator it never ends.

    It begins with the last message of each topic. It reconnects by itself after a lost connection.
    `missed` of the next message shows how many messages were lost.
    """

    def __init__(self, addresses: Addresses, topics: Iterable[str]) -> None:
        prefixes = tuple(topics)
        address, key = addresses.feed, addresses.key
        if not is_live(address):
            raise NotRunning(address)
        self.address = address
        self._sequence = Sequence()
        self._answered = False
        self._last = _last(addresses, prefixes)
        self._context = zmq.Context(1)
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.SUB)
        prepare(self._socket, address, key)
        self._socket.setsockopt(zmq.SNDHWM, 0)  # or libzmq drops subscriptions beyond so many
        self._socket.setsockopt(zmq.RCVHWM, _WAITING_MESSAGES)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LONGEST_REPLY)
        self._line = ConnectionMonitor(self._socket, address, key)
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._line.monitor, zmq.POLLIN)
        for prefix in prefixes:
            self._socket.setsockopt(zmq.SUBSCRIBE, prefix.encode())
        self._socket.connect(address)

    def last(self) -> Iterator[FeedMessage]:
        """The last message of each topic; `receive` begins with those that were not taken here.

        Raises:
            NotAdmitted: the port does not know the key.
        """
        for last in self._last:
            if (message := self._sequence.take(last)) is not None:
                self._answered = True
                yield message

    def receive(self, timeout: float | None = None) -> FeedMessage | None:
        """The next new message, or None if none comes within `timeout` seconds.

        Raises:
            NotRunning: the daemon went away, and all its messages were received.
            NotAdmitted: the port does not know the key (any more), or needs one.
        """
        for first in self.last():
            return first
        while True:
            ready = dict(self._poller.poll(None if timeout is None else int(timeout * 1000)))
            if not ready:
                return None
            if self._socket not in ready:
                self._look()
                continue
            parts = self._socket.recv_multipart()
            try:
                message = self._sequence.take(parse_feed(parts[0], parts[-1]))
            except BadMessage:
                continue
            if message is not None:
                self._answered = True
                return message

    def _look(self) -> None:
        try:
            self._line.look()
        except NotRunning as error:
            # It answered a command, and ended before the feed was connected.
            raise NotRunning(self.address, lost=error.lost or self._answered) from None

    def __iter__(self) -> Iterator[tuple[str, FeedMessage]]:
        while (message := self.receive()) is not None:
            yield message.topic, message

    def close(self) -> None:
        self._last.close()
        self._line.close()
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def subscribe(addresses: Addresses, topics: Iterable[str] = ("",)) -> Subscription:
    """Subscribes to topics of the feed of a daemon or server.

    Args:
        addresses: of the daemon or server, with the key if it needs one.
        topics: prefixes as in `api.topics`; "" is everything.

    Returns:
        An iterator of (topic, message). `missed` of a message counts the lost messages of its topic
        before it.

    Raises:
        NotRunning: no process listens there.
    """
    return Subscription(addresses, topics)


def _last(addresses: Addresses, prefixes: tuple[str, ...]) -> Generator[FeedMessage, None, None]:
    """The last message of each topic, asked for page by page.

    If it cannot be asked for, as at a plain port, nothing comes: the feed replays it a little
    later.

    Raises:
        NotAdmitted: the port does not know the key.
    """
    with (
        suppress(CommandError, NotRunning),
        Client(addresses.commands, key=addresses.key) as client,
    ):
        yield from last_of_each(client, prefixes)


def last_of_each(client: Client, prefixes: Iterable[str]) -> Iterator[FeedMessage]:
    """The last message of each topic with one of these prefixes, asked for page by page.

    Raises:
        CommandError, NotRunning, NotAdmitted: as `Client.call`.
    """
    wanted = iter(prefixes)
    while some := list(islice(wanted, LONGEST_LIST)):
        after: object = ""
        while isinstance(after, str):
            asked: JsonObject = {"prefixes": some, "after": after}
            page = client.call("feed.last", asked, timeout=_LAST_WAIT)
            yield from last_messages(page)
            after = page.get("next")


def _result(reply: Reply) -> dict[str, Any]:
    if reply.error is not None:
        raise CommandError(reply.error.code, reply.error.message, reply.error.hint)
    return dict(reply.result)
