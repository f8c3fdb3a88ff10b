"""The trash of a workspace on a Cargo server, below one folder, as a client sees it."""

from collections.abc import Sequence
from functools import partial

from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    DisplacedVersion,
    FreedVersions,
    Restored,
    TrashCause,
    TrashFilter,
    TrashRow,
    TrashState,
    TrashTotals,
)
from cargo_sync.model.problems import Problem
from cargo_sync.trees.cargo.api import Api, segment
from cargo_sync.trees.cargo.problems import bad_answer
from cargo_sync.trees.cargo.replies import (
    DONE,
    TRASH_ROWS,
    FreedReply,
    RestoredReplies,
    RestoredReply,
    TrashReply,
    TrashRowReply,
)
from cargo_sync.trees.trash import FarTrashPage

AT_ONCE = 500
"""Versions per request, as many as a server takes."""


class CargoTrash:
    """What was displaced below `folder` of `workspace`; paths are relative to that folder.

    All calls raise ProblemError.
    """

    def __init__(self, api: Api, workspace: str, folder: str) -> None:
        self._api = api
        self._folder = folder
        self._base = f"/workspaces/{segment(workspace)}/trash"

    async def page(self, wanted: TrashFilter, before: int | None, limit: int) -> FarTrashPage:
        under = self._whole(wanted.under)
        query: dict[str, str | int] = {"limit": min(limit, TRASH_ROWS)}
        texts = {"pattern": wanted.pattern, "under": under, "run": wanted.run}
        query |= {name: text for name, text in texts.items() if text}
        if wanted.since:
            query["since"] = int(wanted.since)
        if not wanted.kept:
            query["all"] = "1"
        if before is not None:
            query["before"] = before
        found = await self._api.get(self._base, TrashReply.read, **query)
        if found.before is not None and before is not None and found.before >= before:
            raise bad_answer(f"more rows before {before} are announced, but none is sent")
        rows = [self._row(row) for row in found.rows]
        return FarTrashPage(rows, found.before, TrashTotals(found.files, found.bytes))

    async def restore(
        self, ids: Sequence[int], to: str, run: str, inside: str = ""
    ) -> list[Restored | Problem]:
        results: list[Restored | Problem] = []
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            body: dict[str, object] = {"ids": list(some), "run": run}
            if to:
                body |= {"to": self._whole(to), "under": self._folder}
            if inside:
                body["inside"] = inside
            decode = partial(_results, len(some))
            found = await self._api.post(f"{self._base}/restore", decode, body)
            results += [self._result(id, one) for id, one in zip(some, found, strict=True)]
        return results

    async def free(self, ids: Sequence[int]) -> FreedVersions:
        files = size = 0
        for start in range(0, len(ids), AT_ONCE):
            body = {"ids": list(ids[start : start + AT_ONCE])}
            freed = await self._api.post(f"{self._base}/empty", FreedReply.read, body)
            files, size = files + freed.files, size + freed.bytes
        return FreedVersions(files, size)

    async def free_older(self, seconds: int) -> FreedVersions:
        body = {"older": seconds, "under": self._folder}
        freed = await self._api.post(f"{self._base}/empty", FreedReply.read, body)
        return FreedVersions(freed.files, freed.bytes, freed.more)

    def _row(self, found: TrashRowReply) -> TrashRow:
        """A row; a newer server may have words that are not known here."""
        cause = TrashCause(found.cause) if found.cause in set(TrashCause) else TrashCause.FOUND
        state = TrashState(found.state) if found.state in set(TrashState) else TrashState.FREED
        version = DisplacedVersion(
            self._below(found.path),
            found.place,
            found.kind,
            found.size,
            found.hash,
            found.mtime_ns,
            cause,
            found.run,
            found.user,
        )
        moved_to = self._below(found.moved_to)
        return TrashRow(found.id, version, found.time, state, moved_to, found.ended)

    def _below(self, path: str) -> str:
        inside = self._folder and paths.is_below(path, self._folder)
        return path[len(self._folder) + 1 :] if inside else path

    def _whole(self, path: str) -> str:
        return paths.join(self._folder, path) if path else self._folder

    def _result(self, id: int, reply: RestoredReply) -> Restored | Problem:
        if reply.code != DONE:
            return Problem.received(reply.code, reply.message, reply.path, retry=reply.retry)
        return Restored(id, self._below(reply.path), reply.displaced, reply.version)


def _results(count: int, value: object) -> Sequence[RestoredReply]:
    results = RestoredReplies.read(value).results
    if len(results) != count:
        raise ValueError(f"{len(results)} results for {count} versions")
    return results
