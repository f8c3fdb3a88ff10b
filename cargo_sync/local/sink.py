"""The receiving end of a lane into a folder: staged, then published and recorded at once.

The owner of the folder (`judge.Judge`) decides which entry should be at a target, and how a commit
is recorded.
"""

from cargo_sync.local.at_once import PublishesAtOnce
from cargo_sync.local.commit import BatchCommit
from cargo_sync.local.judge import Judge
from cargo_sync.local.staging import Staging
from cargo_sync.local.staging_sink import StagingSink, failed
from cargo_sync.model.transfers import Receipt


class FolderSink(StagingSink, PublishesAtOnce):
    """The sink of one flow; one thread uses it at a time.

    `run` is the name of the trash folder for displaced entries.
    """

    def __init__(self, staging: Staging, judge: Judge, run: str) -> None:
        super().__init__(staging, judge)
        self._commit = BatchCommit(staging, judge, run)

    def commit(self, batch: int) -> list[Receipt]:
        """Publishes the complete files, durably; returns one receipt per offer.

        Raises:
            ProblemError: there is no such batch, or the owner could not record it.
        """
        begun = self.taken(batch)
        try:
            recorded = self._commit(begun)
        except BaseException:
            for staged in begun.staged.values():
                self._staging.discard(staged, keep=True)
            raise
        finally:
            self._staging.remove_folders(begun.folders)
        return [
            recorded.get(index) or failed(begun.problems[index])
            for index in range(len(begun.offers))
        ]
