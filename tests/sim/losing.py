"""A real folder on a disk that loses what was not synced when the power is cut."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from cargo_sync.local.system import LinuxSystem
from tests.sim.story import Story
from tests.state.crash import Killed

_EXCHANGE: Final = 2
"""A flag of renameat2(2)."""


class _OnDisk(NamedTuple):
    """The time and the mode of a file on the disk, and a descriptor of it."""

    fd: int
    mtime_ns: int
    mode: int


class LosingSystem(LinuxSystem):
    """Does the calls, and can take back what was not synced.

    cut_in  write-side calls until the power goes; -1: never
    dead    the power is off
    """

    def begin(self, story: Story, graves: int) -> None:
        """A new history; what is deleted is kept in the folder `graves`."""
        self.story = story
        self.cut_in = -1
        self.dead = False
        self._graves = graves
        self._buried = 0
        self._back: list[Callable[[], object]] = []
        self._dirty: dict[int, int] = {}
        self._metadata: dict[int, _OnDisk] = {}
        self._folders: list[int] = []

    def end(self) -> None:
        """The history is over: nothing is kept any more."""
        self._forget()
        self._all_clean()

    def _held(self, folder: int) -> int:
        """Another descriptor of a folder, for as long as a change in it may be taken back."""
        self._folders.append(os.dup(folder))
        return self._folders[-1]

    def _forget(self) -> None:
        """All changes of names are durable."""
        self._back.clear()
        for folder in self._folders:
            os.close(folder)
        self._folders.clear()

    def _moment(self, what: str) -> None:
        if not self.dead and self.cut_in >= 0:
            self.cut_in -= 1
            self.dead = self.cut_in < 0 and self.story.happens("fault", "power cut")
        if self.dead:
            raise Killed(what)
        self.story.tell(what)

    def _soil(self, fd: int) -> None:
        inode = os.fstat(fd).st_ino
        if inode not in self._dirty:
            self._dirty[inode] = os.dup(fd)

    def _clean(self, fd: int) -> None:
        kept = self._dirty.pop(os.fstat(fd).st_ino, -1)
        if kept >= 0:
            os.close(kept)

    def _all_clean(self) -> None:
        for fd in (*self._dirty.values(), *(one.fd for one in self._metadata.values())):
            os.close(fd)
        self._dirty.clear()
        self._metadata.clear()

    def _bury(self, folder: int, name: str) -> Callable[[], object]:
        """Keeps what goes; returns what brings it back."""
        self._buried += 1
        grave, at = str(self._buried), self._held(folder)
        os.link(name, grave, src_dir_fd=folder, dst_dir_fd=self._graves, follow_symlinks=False)
        return lambda: os.rename(grave, name, src_dir_fd=self._graves, dst_dir_fd=at)

    def create(self, folder: int, name: str, mode: int = 0o600) -> int:
        self._moment("create")
        fd, at = super().create(folder, name, mode), self._held(folder)
        self._back.append(lambda: os.unlink(name, dir_fd=at))
        return fd

    def create_below(self, folder: int, path: str, mode: int) -> int:
        self._moment("create below")
        fd, at = super().create_below(folder, path, mode), self._held(folder)
        self._back.append(lambda: os.unlink(path, dir_fd=at))
        return fd

    def write(self, fd: int, content: memoryview | bytes, offset: int) -> None:
        self._moment("write")
        super().write(fd, content, offset)
        self._soil(fd)

    def utime(self, fd: int, mtime_ns: int) -> None:
        self._moment("time")
        self._note_metadata(fd)
        super().utime(fd, mtime_ns)

    def chmod(self, fd: int, mode: int) -> None:
        self._moment("mode")
        self._note_metadata(fd)
        super().chmod(fd, mode)

    def _note_metadata(self, fd: int) -> None:
        """Notes the time and the mode that a file or folder has on the disk."""
        found = os.fstat(fd)
        if found.st_ino not in self._metadata:
            self._metadata[found.st_ino] = _OnDisk(os.dup(fd), found.st_mtime_ns, found.st_mode)

    def truncate(self, fd: int, size: int) -> None:
        self._moment("truncate")
        super().truncate(fd, size)
        self._soil(fd)

    def mkdir(self, folder: int, name: str, mode: int) -> None:
        self._moment("mkdir")
        super().mkdir(folder, name, mode)
        at = self._held(folder)
        self._back.append(lambda: os.rmdir(name, dir_fd=at))

    def rmdir(self, folder: int, name: str) -> None:
        self._moment("rmdir")
        super().rmdir(folder, name)
        at = self._held(folder)
        self._back.append(lambda: os.mkdir(name, 0o700, dir_fd=at))

    def symlink(self, target: str, folder: int, name: str) -> None:
        self._moment("symlink")
        super().symlink(target, folder, name)
        at = self._held(folder)
        self._back.append(lambda: os.unlink(name, dir_fd=at))

    def unlink(self, folder: int, name: str) -> None:
        self._moment("unlink")
        back = self._bury(folder, name)
        super().unlink(folder, name)
        self._back.append(back)

    def rename(self, source: int, name: str, target: int, new: str) -> None:
        self._moment("rename")
        with suppress(FileNotFoundError):
            self._back.append(self._bury(target, new))
        super().rename(source, name, target, new)
        self._note_rename(source, name, target, new)

    def _rename(self, source: int, name: str, target: int, new: str, flags: int) -> None:
        self._moment("exchange" if flags & _EXCHANGE else "move")
        super()._rename(source, name, target, new, flags)
        if flags & _EXCHANGE:
            here, there = self._held(source), self._held(target)
            exchange = super()._rename
            self._back.append(lambda: exchange(here, name, there, new, flags))
        else:
            self._note_rename(source, name, target, new)

    def _note_rename(self, source: int, name: str, target: int, new: str) -> None:
        here, there = self._held(source), self._held(target)
        self._back.append(lambda: os.rename(new, name, src_dir_fd=there, dst_dir_fd=here))

    def fsync(self, fd: int) -> None:
        self._moment("sync")
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            self._forget()
        else:
            self._clean(fd)
        if (before := self._metadata.pop(os.fstat(fd).st_ino, None)) is not None:
            os.close(before.fd)

    def datasync(self, fd: int) -> None:
        self._moment("datasync")
        self._clean(fd)

    def syncfs(self, fd: int) -> None:
        self._moment("sync all")
        self._forget()
        self._all_clean()

    def lose(self) -> None:
        """The power was cut: what was not synced is lost, all of it or some."""
        kept = int(self.story.random.random() * (len(self._back) + 1))
        for back in reversed(self._back[kept:]):
            back()
        self._forget()
        for fd in self._dirty.values():
            found = os.fstat(fd)
            if self.story.chance(0.7):
                os.ftruncate(fd, 0)
                if self.story.chance(0.5):
                    os.ftruncate(fd, found.st_size)
                os.utime(fd, ns=(found.st_mtime_ns, found.st_mtime_ns))
        for before in self._metadata.values():
            if self.story.chance(0.7):
                os.utime(before.fd, ns=(before.mtime_ns, before.mtime_ns))
                os.fchmod(before.fd, stat.S_IMODE(before.mode))
        self._all_clean()
        self.dead, self.cut_in = False, -1
