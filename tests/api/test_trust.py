import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from cargo_sync.api.trust import (
    DistrustError,
    PathStep,
    listener,
    listener_fault,
    own_fault,
    owner_at_path,
    path_fault,
)

ROOT, ME, OTHER, SYSTEM = 0, 1000, 1001, 990


def folder(path: str, owner: int, mode: int) -> PathStep:
    return PathStep(path, stat.S_IFDIR | mode, owner)


def link(path: str, owner: int) -> PathStep:
    return PathStep(path, stat.S_IFLNK | 0o777, owner)


@pytest.mark.parametrize(
    ("runtime", "instance", "fault"),
    [
        (folder("/r", ME, 0o700), folder("/r/d", ME, 0o700), ""),
        (folder("/r", ME, 0o755), folder("/r/d", ME, 0o700), ""),
        (
            folder("/r", OTHER, 0o700),
            folder("/r/d", ME, 0o700),
            "/r belongs to another user (uid 1001)",
        ),
        (
            folder("/r", ME, 0o700),
            folder("/r/d", OTHER, 0o700),
            "/r/d belongs to another user (uid 1001)",
        ),
        (folder("/r", ME, 0o770), folder("/r/d", ME, 0o700), "others may use /r (mode 0770)"),
        (folder("/r", ME, 0o700), folder("/r/d", ME, 0o711), "others may use /r/d (mode 0711)"),
        (folder("/r", ME, 0o700), link("/r/d", ME), "/r/d is not a folder"),
        (link("/r", ME), folder("/r/d", ME, 0o700), "/r is not a folder"),
        (
            folder("/r", ROOT, 0o755),
            folder("/r/d", ROOT, 0o700),
            "/r belongs to another user (uid 0)",
        ),
    ],
)
def test_a_folder_of_ones_own(runtime: PathStep, instance: PathStep, fault: str) -> None:
    assert own_fault(runtime, instance, ME) == fault


TOP = folder("/", ROOT, 0o755)
TMP = folder("/tmp", ROOT, 0o1777)
SYSTEM_FOLDER = folder("/run/c/server", SYSTEM, 0o750)


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ([TOP, folder("/run", ROOT, 0o755), folder("/run/c", SYSTEM, 0o750), SYSTEM_FOLDER], ""),
        ([TOP, link("/var/run", ROOT), folder("/run/c", SYSTEM, 0o750), SYSTEM_FOLDER], ""),
        ([TOP, TMP, folder("/tmp/c", ME, 0o700), folder("/tmp/c/d", ME, 0o700)], ""),
        ([TOP, folder("/home/me", ME, 0o775), folder("/home/me/d", ME, 0o700)], ""),
        (
            [TOP, folder("/srv", ROOT, 0o775), SYSTEM_FOLDER],
            "others may write to /srv (mode 0775)",
        ),
        ([TOP, folder("/w", ME, 0o777), SYSTEM_FOLDER], "others may write to /w (mode 0777)"),
        (
            [TOP, TMP, folder("/tmp/x", OTHER, 0o755), folder("/tmp/x/d", ME, 0o700)],
            "/tmp/x belongs to another user (uid 1001)",
        ),
        (
            [TOP, TMP, link("/tmp/x", OTHER), folder("/run/c", SYSTEM, 0o750)],
            "/tmp/x belongs to another user (uid 1001)",
        ),
        (
            [TOP, folder("/run/c", SYSTEM, 0o755), folder("/run/c/d", SYSTEM, 0o770)],
            "others may write to /run/c/d (mode 0770)",
        ),
        (
            [TOP, folder("/run/c", SYSTEM, 0o755), folder("/run/c/d", SYSTEM, 0o1777)],
            "others may write to /run/c/d (mode 1777)",
        ),
        ([TOP, TMP, PathStep("/tmp/x", stat.S_IFREG | 0o600, ME)], "/tmp/x is not a folder"),
    ],
)
def test_a_folder_by_its_path(steps: list[PathStep], fault: str) -> None:
    assert path_fault(steps, ME) == fault


def test_who_listens_must_own_the_folder() -> None:
    assert listener_fault("/r/d/commands", ME, ME) == ""
    assert listener_fault("/r/d/commands", None, ME) == ""
    assert listener_fault("/r/d/commands", OTHER, ME) == (
        "a process of another user (uid 1001) listens at /r/d/commands"
    )


def test_the_kernel_tells_who_listens() -> None:
    with tempfile.TemporaryDirectory(prefix="cg") as place:
        path = f"{place}/commands"
        assert listener(path) is None
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path)
            assert listener(path) is None
            one.listen()
            assert listener(path) == os.getuid()
        assert listener(path) is None


def test_a_link_on_the_way_is_followed_and_its_place_is_looked_at(tmp_path: Path) -> None:
    real, shared = tmp_path / "real", tmp_path / "shared"
    real.mkdir(mode=0o700)
    shared.mkdir()
    (shared / "link").symlink_to(tmp_path)
    assert owner_at_path(f"{shared}/link/real", ()) == os.getuid()
    shared.chmod(0o777)
    with pytest.raises(DistrustError, match=r"others may write to .*/shared"):
        owner_at_path(f"{shared}/link/real", ())
    with pytest.raises(FileNotFoundError):
        owner_at_path(f"{real}/nothing", ())
