"""How tests run blocking work: at once, or in a thread as the daemon does."""

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


async def inline(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return work(*args)


async def a_turn_later(work: Callable[[*Ts], T], *args: *Ts) -> T:
    """Others of the loop come first, as while a thread works."""
    await asyncio.sleep(0)
    return work(*args)


async def in_thread(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return await asyncio.to_thread(work, *args)


async def busy(work: Callable[[*Ts], T], *args: *Ts) -> T:
    """The threads of everything else: all of them wait for the store, so it must have its own."""
    raise AssertionError(f"a store asks for a thread that others may have: {work} {args}")
