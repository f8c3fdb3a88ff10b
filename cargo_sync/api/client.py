"""A small client of the control plane, for front ends and scripts: synchronous, one call at a time.

With `line` one of the two modules of this floor that import zmq, so that whoever only needs the
messages need not load it.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

import zmq

from cargo_sync.api.addresses import is_live
from cargo_sync.api.keys import ClientKey
from cargo_sync.api.line import ConnectionMonitor, NotAdmitted, NotRunning, prepare
from cargo_sync.api.messages import (
    BadMessage,
    FeedMessage,
    JsonObject,
    Reply,
    Request,
    encode_request,
    parse_feed,
    parse_reply,
)
from cargo_sync.api.sequence import Sequence

__all__ = ["Client", "CommandError", "NotAdmitted", "NotRunning", "Subscription", "subscribe"]

LONGEST_REPLY = 64 * 1024 * 1024
_WAITING_MESSAGES = 20_000
_TCP = "tcp://"
_LOOK = 1.0
"""Seconds after which who waits for an answer looks whether there is still somebody to give it."""
_NEW_ID: Callable[[], str] = lambda: secrets.token_hex(16)  # noqa: E731


class CommandError(Exception):
    """The daemon refused a command: `code` for programs, `message` and `hint` for people."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.code = code
        self.message = message
        self.hint = hint


class Client:
    """Commands to one daemon, at the address of its commands. A port may want a `key`."""

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
        # Local sockets are looked at before each call: a daemon that was restarted meanwhile is no
        # matter.
        self._line = (
            ConnectionMonitor(self._socket, address, key) if address.startswith(_TCP) else None
        )
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        if self._line is not None:
            self._poller.register(self._line.monitor, zmq.POLLIN)
        self._socket.connect(address)

    def call(
        self, cmd: str, args: JsonObject | None = None, timeout: float = 10.0
    ) -> dict[str, Any]:
        """The result of a command, waited for `timeout` seconds.

        Raises:
            CommandError: the daemon refused it, and says why.
            NotRunning: nobody listens there, or no answer came in time.
            NotAdmitted: the port does not know the key, or wants one.
        """
        if self._line is None and not is_live(self.address):
            raise NotRunning(self.address)
        id = self._new_id()
        self._socket.send_multipart([b"", encode_request(Request(cmd, args or {}, id))])
        left = timeout
        while left > 0:
            step = min(left, _LOOK)
            ready = dict(self._poller.poll(int(step * 1000)))
            if not ready:
                left -= step
                if self._line is None and not is_live(self.address):
                    raise NotRunning(self.address, "the daemon went away")
                continue
            if self._socket not in ready:
                assert self._line is not None
                self._line.look()
                continue
            try:
                reply = parse_reply(self._socket.recv_multipart()[-1])
            except BadMessage as error:
                raise CommandError(
                    "bad_reply", f"the answer to {cmd} makes no sense: {error}"
                ) from error
            if reply.id == id:  # the answer to a call that was given up may come late
                return _result(reply)
        raise NotRunning(
            self.address, f"no answer to {cmd} from {self.address} within {timeout:g} s"
        )

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
    """A subscription to some topics (prefixes) of one daemon's feed; as an iterator it waits for
    ever.

    A connection that is lost comes back by itself, and what was lost meanwhile shows by `missed`.
    """

    def __init__(self, address: str, topics: Iterable[str], key: ClientKey | None = None) -> None:
        if not is_live(address):
            raise NotRunning(address)
        self.address = address
        self._sequence = Sequence()
        self._context = zmq.Context(1)
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.SUB)
        prepare(self._socket, address, key)
        self._socket.setsockopt(zmq.RCVHWM, _WAITING_MESSAGES)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LONGEST_REPLY)
        self._line = ConnectionMonitor(self._socket, address, key)
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._line.monitor, zmq.POLLIN)
        for topic in topics:
            self._socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        self._socket.connect(address)

    def receive(self, timeout: float | None = None) -> FeedMessage | None:
        """The next message that was not seen before, or None when `timeout` seconds bring none.

        Raises:
            NotRunning: the daemon went away, and what it had sent has all been received.
            NotAdmitted: the port does not know the key (any more), or wants one.
        """
        while True:
            ready = dict(self._poller.poll(None if timeout is None else int(timeout * 1000)))
            if not ready:
                return None
            if self._socket not in ready:
                self._line.look()
                continue
            parts = self._socket.recv_multipart()
            try:
                message = self._sequence.take(parse_feed(parts[0], parts[-1]))
            except BadMessage:
                continue
            if message is not None:
                return message

    def __iter__(self) -> Iterator[tuple[str, FeedMessage]]:
        while (message := self.receive()) is not None:
            yield message.topic, message

    def close(self) -> None:
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


def subscribe(
    address: str, topics: Iterable[str] = ("",), *, key: ClientKey | None = None
) -> Subscription:
    """What the feed at `address` says about `topics`, prefixes as in `api.topics`; "" is
    everything.

    An iterator of (topic, message); a message's `missed` counts those of its topic lost before it.
    Raises NotRunning.
    """
    return Subscription(address, topics, key)


def _result(reply: Reply) -> dict[str, Any]:
    if reply.error is not None:
        raise CommandError(reply.error.code, reply.error.message, reply.error.hint)
    return dict(reply.result)
