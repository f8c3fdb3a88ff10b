"""What the server's rooms are given in tests: a clock that stands, inline threads, cheap argon2."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import argon2

T = TypeVar("T")

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def entropy() -> Callable[[int], bytes]:
    """Bytes that differ from call to call and not from run to run."""
    calls = 0

    def fresh(length: int) -> bytes:
        nonlocal calls
        calls += 1
        return hashlib.shake_256(calls.to_bytes(4, "big")).digest(length)

    return fresh


class Book:
    """Hashes, in memory."""

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.hashes.get(name)

    def set(self, name: str, hash: str) -> None:
        self.hashes[name] = hash


async def until(condition: Callable[[], bool], pause: Callable[[float], Awaitable[None]]) -> None:
    """Waits for something that happens by itself and soon."""
    for _ in range(2_000):
        if condition():
            return
        await pause(0.002)
    raise AssertionError("it did not happen")
