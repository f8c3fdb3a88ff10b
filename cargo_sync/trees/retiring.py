"""Retiring: a delivered source file is deleted or moved, but only after a last check."""

from cargo_sync.local import trash
from cargo_sync.local.read import Going, always, hash_file
from cargo_sync.local.root import Root
from cargo_sync.model import paths
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Problem, ProblemError, from_os_error, not_as_delivered


def retire(
    root: Root,
    path: str,
    entry: Entry,
    content: str,
    move_to: str,
    run: str,
    going: Going = always,
) -> str | Problem:
    """Moves a file to `move_to` or to the trash, if it is still what was delivered.

    Args:
        root: the folder of the job.
        path: the file, relative to the root.
        entry: the file's entry when it was delivered.
        content: the BLAKE3 of what was delivered, hex.
        move_to: a folder relative to the root, or an absolute one on the same file system; "" for
            the trash.
        run: the name of the trash folder.
        going: False ends the reading of the file.

    Returns:
        Where it is in the trash now, or "" if it is not there; why it was left where it is.
    """
    try:
        if hash_file(root, path, entry, going) != content:
            return not_as_delivered(path)
        if not move_to:
            displaced = trash.displace(root, path, run)
            root.sync(displaced.touched)
            return displaced.place
        if move_to.startswith("/"):
            _move_outside(root, path, move_to)
        else:
            _move(root, path, root, paths.join(move_to, path))
    except ProblemError as error:
        return error.problem
    return ""


def _move_outside(root: Root, path: str, folder: str) -> None:
    other = Root.open(folder, root.system)
    try:
        _move(root, path, other, path)
    finally:
        other.close()


def _move(root: Root, path: str, other: Root, place: str) -> None:
    """Moves a file to `place` below `other`; if the name is taken, a number is appended."""
    made = other.make_folder(paths.parent(place)) if "/" in place else ()
    with root.folder(paths.parent(path)) as above, other.folder(paths.parent(place)) as folder:
        for name in trash.numbered(paths.name(place)):
            try:
                root.system.rename_noreplace(above.fd, paths.name(path), folder.fd, name)
            except FileExistsError:
                continue
            except OSError as error:
                raise ProblemError(from_os_error(error, path)) from error
            break
    other.sync({paths.parent(place), *made, *(paths.parent(folder) for folder in made)})
    root.sync([paths.parent(path)])
