"""One file that comes over plain HTTP: published in the folder."""

from contextlib import AbstractContextManager

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.local.parts import Staged
from cargo_sync.local.publish import Placing, secure
from cargo_sync.model.displaced import DisplacedVersion, TrashCause
from cargo_sync.model.entries import FILE
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.comparison import put
from cargo_sync.server.workspace.incoming import Admit
from cargo_sync.server.workspace.staged_upload import StagedUpload


class FolderUpload(StagedUpload):
    """One incoming file of a folder. It blocks. Call `drop` at the end, in any case."""

    def __init__(
        self, folder: CataloguedFolder, offer: Offer, admit: Admit, run: str, cause: ChangeCause
    ) -> None:
        """Stages a file.

        Args:
            folder: where it is published.
            offer: path, size, mtime and mode; a file that is already there keeps its mode.
            admit: checks what is there.
            run: its trash takes the earlier version.
            cause: who sends it, and how.

        Raises:
            ProblemError: `admit` refuses what is there; a folder is there; `disk_full`,
                `over_quota`.
        """
        self._folder = folder
        self._run = run
        self._began = folder.steady()
        super().__init__(folder.lock, folder.quotas, offer, admit, cause)
        if (held := self._stood) is not None and held.entry.kind == FILE:
            offer = offer._replace(mode=held.entry.mode)
        try:
            staging = folder.store.staging
        except ProblemError:
            self._end_promise()
            raise
        self._begin(staging, offer)

    @property
    def is_current(self) -> bool:
        """Whether it is staged in the folder that is served there now."""
        return self._folder.attached and self._folder.store.staging is self._staging

    def _looking(self) -> AbstractContextManager[object]:
        return self._folder.looking(self._offer.path)

    def _look(self) -> Catalogued | None:
        return self._folder.look(self._offer.path)

    def _publish(self, staged: Staged) -> tuple[Catalogued, bool]:
        path, folder = self._offer.path, self._folder
        [problem] = secure(self._staging, [staged])
        if problem:
            raise ProblemError(problem)
        placing = Placing(self._staging, folder.store.run(self._run))
        with folder.looking(path):
            try:
                held, seen = folder.look_closely(path)
                self._admitted(held)
            except ProblemError:
                self._staging.discard(staged, keep=True)
                raise
            folder.arriving.add(path)
            try:
                [problem] = placing.rename([staged], [seen])
                if problem:
                    raise ProblemError(problem)
            except BaseException:
                folder.arriving.end(path)
                raise
        try:
            return self._recorded(staged, placing, held)
        finally:
            folder.arriving.end(path)

    def _recorded(
        self, staged: Staged, placing: Placing, held: Catalogued | None
    ) -> tuple[Catalogued, bool]:
        """Makes durable and records what was renamed."""
        path, folder = self._offer.path, self._folder
        placing.sync()
        with folder.lock:
            published, problems = placing.confirm([staged])
            if problems:
                raise ProblemError(problems[0])
            displaced = []
            if held is not None and (aside := published.displaced.get(path)):
                cause = TrashCause.OVERWRITTEN
                displaced.append(
                    DisplacedVersion.of(held.entry, path, aside.place, cause, self._cause.user)
                )
            change = put(path, published.entries.entry(0))
            told = self._cause._replace(seconds=folder.steady() - self._began)
            folder.record([*folder.folders_above([path]), change], displaced, told)
            self._end_promise()
            now = folder.catalogue.entry(folder.id, path)
        assert now is not None, "it was recorded under the same lock"
        self.published = True
        return now, held is None
