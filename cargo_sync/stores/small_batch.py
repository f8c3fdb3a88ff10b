"""Small contents that come together get their names while they arrive: nothing is renamed.

For most of what a node is given, a rename is half of the cost. Until their batch is committed they
are only coming: nobody finds them, and nobody removes them or moves them aside. What a kill leaves
of them is found by the `PlacingJournal`. One that cannot get its name so, because the same content
is there or is coming, is staged as others are, and renamed.
"""

import os
from collections.abc import Sequence
from contextlib import suppress

from cargo_sync.local.parts import Staged
from cargo_sync.local.publish import MANY
from cargo_sync.local.staging import Staging
from cargo_sync.model.problems import Problem, ProblemError, from_os_error
from cargo_sync.stores.blob_changes import MODE, BlobChanges, blob_path
from cargo_sync.stores.contract import Content
from cargo_sync.stores.placing_journal import PlacingJournal


class SmallBatch:
    """One batch. One thread uses it; call `commit` or `close` at its end."""

    def __init__(
        self,
        changes: BlobChanges,
        staging: Staging,
        journal: PlacingJournal,
        contents: Sequence[Content],
    ) -> None:
        """`contents` are all that may come, each of 1 byte to 1 MiB; none is written yet."""
        self._changes = changes
        self._staging = staging
        self._journal = journal
        self._begun: int | None = None
        self._are_gone = True
        """Whether all that was to be removed could be."""
        self._is_synced = True
        """Whether that is durable."""
        self._ours: dict[str, int] = {}
        """The sizes of those that have their names, by hash."""
        if len(contents) >= MANY and changes.durable and staging.root.system.whole_sync:
            with suppress(ProblemError):  # then they are staged, and it says why
                self._begun = journal.begin(contents)

    def write(self, some: Sequence[Content], views: Sequence[memoryview]) -> list[Staged]:
        """Writes contents of which it is known that these are their bytes.

        Returns:
            Those that were staged.

        Raises:
            ProblemError: one cannot be written; then nothing of them is left.
        """
        if self._begun is None:
            return self._staged(some, views)
        written = list[str]()
        try:
            others = self._write(some, views, written)
            return self._staged(*zip(*others, strict=True)) if others else []
        except OSError as error:
            self._remove(written)
            raise ProblemError(from_os_error(error, blob_path(some[0].hash))) from error
        except ProblemError:
            self._remove(written)
            raise

    def drop(self, some: Sequence[Content], staged: Sequence[Staged]) -> None:
        """Removes contents that have come together, but not those of them that were staged.

        One that was staged may be under its name, too: it came before, with others.
        """
        others = {one.hash for one in staged}
        mine = {one.hash for one in some} - others
        self._remove([hash for hash in self._ours if hash in mine])

    def commit(self, staged: Sequence[Staged]) -> tuple[Problem | None, list[Problem | None]]:
        """What has come is there, durably. `staged` are those that `write` returned.

        Returns:
            Why the others are not there, or None; and None or a problem for each of `staged`.
        """
        problems = self._changes.place(staged) if staged else []
        if not self._ours:
            self.close()
            return None, problems
        problem = self._changes.made_durable({""}, whole=True)
        if problem is None:
            self._changes.came(self, self._ours)
            self._ours.clear()
            self._is_synced = True
        self.close()
        return problem, problems

    def close(self) -> None:
        """Removes what was not committed."""
        self._remove([*self._ours])
        # Or a power cut brings back what nobody looks at.
        if not self._is_synced and self._changes.made_durable({""}, whole=True):
            self._are_gone = False
        begun, self._begun = self._begun, None
        if begun is not None:
            self._journal.end(begun, are_gone=self._are_gone)

    # -- within ------------------------------------------------------------------------------------

    def _write(
        self, some: Sequence[Content], views: Sequence[memoryview], written: list[str]
    ) -> list[tuple[Content, memoryview]]:
        """Writes contents; returns those that must be staged. Raises OSError, ProblemError.

        Adds the hashes of those that have their names to `written`, whatever happens.
        """
        changes, ours, others = self._changes, self._ours, list[tuple[Content, memoryview]]()
        coming, top, system = changes.coming, self._staging.root.fd, self._staging.root.system
        create, write, close = system.create_below, system.write, os.close
        with changes.lock:
            for content, view in zip(some, views, strict=True):
                hash, size = content
                if hash in coming:
                    others.append((content, view))
                    continue
                coming[hash] = self
                path = f"{hash[:2]}/{hash}"
                try:
                    try:
                        fd = create(top, path, MODE)
                    except FileNotFoundError:
                        self._staging.root.make_folder(hash[:2], 0o700)
                        fd = create(top, path, MODE)
                except FileExistsError:
                    del coming[hash]
                    others.append((content, view))
                    continue
                except BaseException:
                    del coming[hash]
                    raise
                ours[hash] = size
                written.append(hash)
                try:
                    write(fd, view, 0)
                finally:
                    close(fd)
        return others

    def _staged(self, some: Sequence[Content], views: Sequence[memoryview]) -> list[Staged]:
        names = self._staging.write_plain(views, MODE, some[0].hash)
        return [
            Staged(hash, name, 0, size, 0, hash)
            for (hash, size), name in zip(some, names, strict=True)
        ]

    def _remove(self, hashes: Sequence[str]) -> None:
        """Removes some of ours."""
        if not hashes:
            return
        self._is_synced = False
        if not self._changes.drop(self, hashes):
            self._are_gone = False
        for hash in hashes:
            del self._ours[hash]
