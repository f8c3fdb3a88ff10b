"""Systems for tests: both kinds without waiting for a disk, and ones that fail at a call."""

from collections.abc import Callable
from typing import Any, Final

from cargo_sync.local.system import System

SYNCS: Final = ("fsync", "datasync", "syncfs")
WRITES: Final = (
    "create",
    "create_below",
    "reopen",
    "write",
    "truncate",
    "utime",
    "chmod",
    "set_xattr",
    "remove_xattr",
    "mkdir",
    "open_up",
    "symlink",
    "utime_link",
    "unlink",
    "rmdir",
    "link",
    "rename",
    "rename_noreplace",
    "exchange",
    *SYNCS,
)
KINDS: Final = ("native", "portable")


class Stop(BaseException):
    """The process died here."""


def system(kind: str, on_call: Callable[[str], None] = lambda name: None) -> System:
    """A system that reports each call that writes beforehand, and never waits for a disk."""
    real = System.portable() if kind == "portable" else System.choose()
    base = type(real)

    def told(name: str) -> Callable[..., Any]:
        def call(self: System, *arguments: Any) -> Any:
            on_call(name)
            return None if name in SYNCS else getattr(base, name)(self, *arguments)

        return call

    calls = {name: told(name) for name in WRITES if hasattr(base, name)}
    copy: System = object.__new__(type(f"Told{base.__name__}", (base,), calls))
    copy.__dict__.update(real.__dict__)
    return copy


def recording(kind: str) -> tuple[System, list[str]]:
    """A system, and the names of the calls made on it until now."""
    calls: list[str] = []
    return system(kind, calls.append), calls


def failing(kind: str, at: int, error: int) -> System:
    """The `at`-th call (from 1) raises this errno; all others are done."""
    count = 0

    def on_call(name: str) -> None:
        nonlocal count
        count += 1
        if count == at:
            raise OSError(error, f"injected into {name}")

    return system(kind, on_call)


def failing_in(kind: str, name: str, error: int, time: int = 0) -> System:
    """All calls of `name` raise this errno, or only the `time`-th."""
    count = 0

    def on_call(called: str) -> None:
        nonlocal count
        count += called == name
        if called == name and time in (0, count):
            raise OSError(error, f"injected into {name}")

    return system(kind, on_call)


def stopping(kind: str, at: int) -> System:
    """The `at`-th call and all later ones raise Stop: a dead process cannot clean up."""
    count = 0

    def on_call(_: str) -> None:
        nonlocal count
        count += 1
        if count >= at:
            raise Stop

    return system(kind, on_call)
