"""What a server is asked, as JSON objects (docs/http-api.md has the protocol)."""

from collections.abc import Iterable, Mapping, Sequence

from cargo_sync.model.jobs import Mode

Body = Mapping[str, object]


def login(username: str, password: str) -> Body:
    return {"username": username, "password": password}


def flow(mode: Mode, workspace: str, folder: str, speed: int | None, run: str) -> Body:
    """`speed` is in bits a second, None is no limit."""
    return {
        "direction": mode.value,
        "workspace": workspace,
        "path": folder,
        "speed": speed,
        "run": run,
    }


def speed(bits: int | None) -> Body:
    return {"speed": bits}


def hashes(files: Iterable[tuple[str, int]]) -> Body:
    """`files` are paths with the versions that are meant."""
    return {"files": list(files)}


def operations(some: Sequence[Body], run: str) -> Body:
    """A batch. What it displaces lies in the trash under the name of `run`."""
    return {"run": run, "operations": some}


def operation(
    op: str,
    path: str,
    *,
    mode: int | None = None,
    expected: int | None = None,
    to: str | None = None,
    seen: int | None = None,
) -> Body:
    """One of a batch; None is not said.

    op        mkdir, delete or move
    mode      permission bits, of mkdir
    expected  the version that was seen at `path`
    to        the path that a move leads to
    seen      the sequence up to which changes are known: a folder is deleted with all that is in it
    """
    said = {"mode": mode, "expected": expected, "to": to, "seen": seen}
    return {"op": op, "path": path} | {
        name: value for name, value in said.items() if value is not None
    }
