"""A round ahead changes nothing of what users see, whatever they change meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cargo_sync.migration.placing import ContentReads
from cargo_sync.migration.to_folder import MoveToFolder, StoredSource
from cargo_sync.server.workspace.operations import Delete
from tests.migration.house import MARKER, Quiet, Site, same, view


def test_what_users_change_while_files_are_written_stays(tmp_path: Path) -> None:
    """It comes after a row was read, and before what was written for it is recorded."""
    back = tmp_path / "back"
    with ExitStack() as last:
        site = Site(tmp_path, last)
        scene = site.stored()
        for path in ("a", "b/c", "d"):
            scene.put(path, path.encode())
        id = scene.workspace.id
        move = site.moves.begin(id, str(back), MARKER)
        target = site.folder_store(str(back), "", token=lambda: move.marker)
        now: dict[str, Any] = {}

        @contextmanager
        def turn(workspace: int) -> Iterator[None]:
            if not now and (back / "a").exists():
                scene.put("a", b"changed")
                scene.change(Delete("b/c", scene.version("b/c"), None))
                now.update(view(scene))
            with site.database.transaction(workspace):
                yield

        contents = ContentReads(site.store, id)
        source = StoredSource(site.catalogue, site.trash(id), contents, turn)
        assert MoveToFolder(source, target, lambda: True, Quiet()).ahead() == 3
        assert now and same(view(scene), now) == []
        assert (back / "a").read_bytes() == b"a", "it is written anew by the last look"
        inode = (back / "d").stat().st_ino
        target.close()
        site.to_folder()
        assert same(view(site.scene(site.folder("back").workspace)), now) == []
        assert (back / "a").read_bytes() == b"changed" and not (back / "b/c").exists()
        assert (back / "d").stat().st_ino == inode, "what has not changed stays"
