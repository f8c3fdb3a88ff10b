"""What a cloud's folder does beyond the contract: what is really stored, and what is refused."""

import builtins
import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from cargo_sync.model.entries import BY_UMASK
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import T, Ts, World
from cargo_sync.trees.cloud.folder import CloudFolder
from cargo_sync.trees.cloud.problems import CloudErrors
from cargo_sync.trees.cloud.services import CloudPlace
from cargo_sync.trees.remote.contract import NewFile

pytest.importorskip("opendal", reason="the extra [cloud] is not installed")

NUMBERS = itertools.count()


async def in_thread(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return work(*args)


WORLD = World(
    time.time, time.monotonic, lambda: 0.5, lambda: f"{next(NUMBERS):032x}",
    in_thread, time.monotonic,
)  # fmt: skip


WRONG_KEY = {"credential": "bm9uZQ==", "disable_vm_metadata": "true", "disable_config_load": "true"}


def at(folder: Path) -> CloudFolder:
    return CloudFolder(CloudPlace("fs", "", str(folder).strip("/")), WORLD)


def file(path: str, size: int) -> NewFile:
    return NewFile(path, size, 0, BY_UMASK, "f" * 32)


async def no_pace(count: int) -> None: ...


def stored(folder: Path) -> set[str]:
    return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}


async def code_of(call: object) -> Code:
    with pytest.raises(ProblemError) as caught:
        await call  # type: ignore[misc]
    return caught.value.problem.code


async def test_only_whole_files_are_stored_and_nothing_is_left(tmp_path: Path) -> None:
    remote = at(tmp_path)
    await remote.open(make=True)
    await remote.find_out()
    ours = ".cargo_sync/marker"
    upload = await remote.upload(file("big", 8), None)
    await upload.send(0, memoryview(b"1234"), no_pace)
    assert "big" not in stored(tmp_path), "it is staged"
    kept = upload.kept()
    await upload.leave()
    await remote.give_up(kept)
    assert stored(tmp_path) == {ours}
    await remote.give_up('["big"]')  # a place that is not ours stays
    entry = await remote.put(file("x", 1), memoryview(b"1"), None, no_pace)
    putting = remote.put(file("x", 2), memoryview(b"22"), None, no_pace)
    assert await code_of(putting) is Code.OCCUPIED
    assert stored(tmp_path) == {ours, "x"} and (tmp_path / "x").read_bytes() == b"1"
    (tmp_path / "x").write_bytes(b"another")
    assert await code_of(remote.remove("x", entry)) is Code.CHANGED
    for odd in (" x", "x ", "a//x"):
        assert await code_of(remote.entry(odd)) is Code.BAD_PATH
        putting = remote.put(file(odd, 1), memoryview(b"1"), None, no_pace)
        assert await code_of(putting) is Code.BAD_PATH
    assert stored(tmp_path) == {ours, "x"}


async def test_a_folder_in_which_nothing_is_is_gone_and_not_empty(tmp_path: Path) -> None:
    remote = at(tmp_path / "top")
    assert await code_of(remote.open(make=False)) is Code.ROOT_GONE
    await remote.open(make=True)
    assert (await remote.list("")).entries == []
    (tmp_path / "top/.cargo_sync/marker").unlink()
    (tmp_path / "top/.cargo_sync").rmdir()
    assert await code_of(remote.list("")) is Code.ROOT_GONE


@pytest.mark.parametrize(
    ("service", "bucket", "options", "code"),
    [
        ("nothing-like-it", "", {}, Code.UNSUPPORTED),
        ("webhdfs", "", {}, Code.UNSUPPORTED),  # it cannot rename
        ("gs", "b", WRONG_KEY, Code.UNAUTHORIZED),
        ("b2", "b", {}, Code.BAD_SETTINGS),  # there is no key
    ],
)
async def test_what_cannot_be_used_is_said(
    service: str, bucket: str, options: Mapping[str, str], code: Code
) -> None:
    remote = CloudFolder(CloudPlace(service, bucket, "a", options=options), WORLD)
    assert await code_of(remote.open(make=False)) is code


async def test_without_the_library_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    true_import = builtins.__import__

    def without(name: str, *args: object, **more: object) -> object:
        if name == "opendal":
            raise ImportError(name)
        return true_import(name, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ProblemError) as caught:
        await CloudFolder(CloudPlace("gs", "b", ""), WORLD).open(make=False)
    assert "cargo-sync[cloud]" in caught.value.problem.hint


def test_no_error_shows_what_an_option_holds() -> None:
    errors = CloudErrors("cloud+gs://b/", ["hunter22", ""])

    class Unexpected(Exception):  # noqa: N818
        __module__ = "opendal.exceptions"

    text = (
        "Unexpected (temporary) at stat => bad hunter22\x1b\n\nContext:\n   url: x?sig=hunter23\n"
    )
    with pytest.raises(ProblemError) as caught, errors.translated("x"):
        raise Unexpected(text)
    message = caught.value.problem.message
    assert "bad …" in message and "hunter" not in message and "\x1b" not in message
    assert caught.value.__suppress_context__
    with pytest.raises(KeyError), errors.translated("x"):
        raise KeyError("ours")
