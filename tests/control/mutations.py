"""Messages from a seed: correct ones of all commands, broken and hostile ones, and noise."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from cargo_sync.api.arguments import Argument
from cargo_sync.api.daemon_commands import COMMANDS

ORDERS = (
    b"START",
    b"PAUSE",
    b"RELOAD",
    b"LIST-JOBS",
    b"START nightly",
    b"PAUSE my job",
    b"RELOAD \xc3\xa9",
)
ODD_NUMBERS = (
    "0",
    "-0",
    "-1",
    "1e999",
    "-1e999",
    "1e-999",
    "NaN",
    "Infinity",
    "9007199254740993",
    "18446744073709551616",
    "1" + "0" * 400,
    "0x10",
    "01",
    "1.",
    ".5",
    "1e",
)
ODD_TEXTS = (
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u202e\\u001b[2J"',
    '"../../etc/passwd"',
    '"nightly"',
    '"\\x"',
    '"' + "x" * 5000 + '"',
    "'nightly'",
    '"' + "é" * 200 + '"',
    '"a\nb"',
    '"\U0001f4a9"',
)
ODD_VALUES = ("null", "true", "[]", "{}", "[[[]]]", '{"a":{"a":{}}}', "[1,2,3]", "undefined", "")


class Mutations:
    """An endless source of messages."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._names = [*COMMANDS]

    def message(self) -> bytes:
        """The next one."""
        kinds: Sequence[Callable[[], bytes]] = (
            self._right,
            self._odd,
            self._order,
            self._noise,
            self._deep,
            self._mutated,
            self._mutated,
            self._mutated,
            self._spliced,
            self._odd,
        )
        return self._random.choice(kinds)()

    def parts(self) -> list[bytes]:
        """A message in several parts, as a ZeroMQ client may send it; mostly one part."""
        return [self.message() for _ in range(self._random.choice((1, 1, 1, 1, 2, 3)))]

    def _right(self) -> bytes:
        return self.right(self._random.choice(self._names))

    def right(self, name: str) -> bytes:
        """A correct request for this command."""
        args = {
            each: self._value(argument)
            for each, argument in COMMANDS[name].args.items()
            if argument.required or self._random.random() < 0.5
        }
        return json.dumps({"v": 1, "id": self._id(), "cmd": name, "args": args}).encode()

    def _value(self, argument: Argument) -> Any:
        if argument.kind is int:
            return self._random.randint(*argument.range)
        if argument.one_of:
            return self._random.choice(argument.one_of)
        if argument.kind is str:
            return self._random.choice(("nightly", "other", "watch", "p" * 40, "my job", "é"))
        if argument.kind is list:
            return self._random.choice(([], [""], ["job/", "status/"], ["é"] * 100))
        return argument.kind()

    def _id(self) -> str:
        return self._random.choice(("", "same", f"{self._random.getrandbits(64):x}"))

    def _odd(self) -> bytes:
        """A request with odd values, as text: JSON or nearly JSON."""
        fields = {
            "v": self._odd_value() if self._random.random() < 0.2 else "1",
            "id": self._odd_value() if self._random.random() < 0.3 else f'"{self._id()}"',
            "cmd": self._odd_value()
            if self._random.random() < 0.2
            else f'"{self._random.choice(self._names)}"',
            "args": self._odd_args(),
            self._random.choice(("v", "x", "args", "cmd", "more")): self._odd_value(),
        }
        chosen = [(name, value) for name, value in fields.items() if self._random.random() < 0.9]
        self._random.shuffle(chosen)
        text = "{" + ",".join(f'"{name}":{value}' for name, value in chosen) + "}"
        return text.encode("utf-8", "surrogatepass")

    def _odd_args(self) -> str:
        if self._random.random() < 0.2:
            return self._odd_value()
        names = (
            "job",
            "run",
            "after",
            "limit",
            "since",
            "name",
            "public",
            "role",
            "jop",
            "x" * 300,
            "",
        )
        pairs = [
            f'"{self._random.choice(names)}":{self._odd_value()}'
            for _ in range(self._random.randint(0, 4))
        ]
        return "{" + ",".join(pairs) + "}"

    def _odd_value(self) -> str:
        return self._random.choice(self._random.choice((ODD_NUMBERS, ODD_TEXTS, ODD_VALUES)))

    def _order(self) -> bytes:
        order = self._random.choice(ORDERS)
        return order if self._random.random() < 0.5 else self._changed(order)

    def _noise(self) -> bytes:
        return self._random.randbytes(self._random.choice((0, 1, 10, 100, 1000)))

    def _deep(self) -> bytes:
        depth = self._random.choice((10, 200, 1000, 20_000))
        match self._random.randrange(4):
            case 0:
                return b"[" * depth
            case 1:
                return b'{"args":' * depth + b"1" + b"}" * depth
            case 2:
                return b'{"cmd":"status","args":{"job":' + b"[" * depth + b"]" * depth + b"}}"
            case _:
                return (
                    b'{"cmd":"job.pause","args":'
                    + b'{"job":' * depth
                    + b'"a"'
                    + b"}" * depth
                    + b"}"
                )

    def _spliced(self) -> bytes:
        one, other = self._right(), self._odd()
        return one[: self._random.randrange(len(one))] + other[self._random.randrange(len(other)) :]

    def _mutated(self) -> bytes:
        return self._changed(self._random.choice((self._right, self._odd))())

    def _changed(self, message: bytes) -> bytes:
        raw = bytearray(message)
        for _ in range(self._random.choice((1, 1, 2, 5, 20))):
            at = self._random.randrange(len(raw) + 1)
            match self._random.randrange(6):
                case 0:
                    raw[at : at + 1] = bytes([self._random.randrange(256)])
                case 1:
                    raw[at:at] = self._random.randbytes(self._random.randint(1, 8))
                case 2:
                    del raw[at : at + self._random.randint(1, 9)]
                case 3:
                    raw[at:at] = raw[at : at + self._random.randint(1, 30)]
                case 4:
                    raw[at:at] = self._random.choice(
                        (b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\xff", b"\0")
                    )
                case _:
                    del raw[at:]
        return bytes(raw)
