"""Changes on the server: mkdir, delete, rename."""

from cargo_ctl.render.words import count, escaped
from cargo_ctl.shell.location import joined, name_of, shown
from cargo_ctl.shell.parser import Word
from cargo_ctl.shell.sides import Meant, remote_meant, usable
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_ctl.shell.verbs import Completes, Given, ShellVerb


def mkdir(shell: Shell, given: Given) -> None:
    """Make folders on the server."""
    for word in given.options.words:
        path = _below_root(shell.here.remote_path(word.text))
        if shell.session.stat(path) is not None:
            raise CommandFailed(f"{shown(path)} already exists on the server", code="occupied")
        shell.session.call("mkdir", {"path": path})
        shell.changes += 1
        shell.output.show({"created": shown(path)}, f"created {escaped(shown(path))}")


def delete(shell: Shell, given: Given) -> None:
    """Move files and folders to the server's trash."""
    meant = usable(shell, remote_meant(shell, given.options.words))
    for each in meant:
        _below_root(each.path)
    if not given.flag("f") and not _agreed(shell, meant):
        shell.output.note("nothing was deleted")
        return
    kept, gone = "; it is in the server's trash", " for good: this server keeps no trash of it"
    for each in meant:
        args = {"path": each.path, "recursive": True} if each.folder else {"path": each.path}
        result = shell.session.call("delete", args)
        shell.changes += 1
        shell.output.show(
            {"deleted": shown(each.path), **result},
            f"deleted {escaped(shown(each.path))}{kept if result.get('displaced') else gone}",
        )


def rename(shell: Shell, given: Given) -> None:
    """Rename or move something on the server."""
    source, target = given.options.words
    [meant] = usable(shell, remote_meant(shell, [Word(source.text)]))
    path, to = _below_root(meant.path), shell.here.remote_path(target.text)
    there = shell.session.stat(to)
    if there is not None and there.folder:
        to = joined(to, name_of(path))  # into the folder, as mv does it
    elif there is not None:
        raise CommandFailed(
            f"{shown(to)} already exists on the server", "delete it first", "occupied"
        )
    shell.session.call("move", {"path": path, "to": _below_root(to)})
    shell.changes += 1
    shell.output.show(
        {"path": shown(path), "to": shown(to)},
        f"{escaped(shown(path))} is now {escaped(shown(to))}",
    )


def _agreed(shell: Shell, meant: list[Meant]) -> bool:
    """Whether to delete: asks about folders and matches of a pattern, but not in a script."""
    if not any(each.folder or each.matched for each in meant):
        return True
    if len(meant) == 1:
        [only] = meant
        what = shown(only.path)
        if only.folder:
            what = f"the folder {what} with everything in it"
    else:
        what = f"{count(len(meant), 'name')}: {', '.join(name_of(each.path) for each in meant[:3])}"
        what += ", …" if len(meant) > 3 else ""
    return shell.output.choose(f"delete {escaped(what)}? [y]es, [n]o: ", "yn") in ("y", None)


def _below_root(path: str) -> str:
    if not path:
        raise CommandFailed(
            "that is the root of the workspace",
            "give a file or folder in it",
            "bad_argument",
        )
    return path


VERBS = (
    ShellVerb(
        "delete",
        "<file|dir>",
        "move to the server's trash",
        delete,
        least=1,
        most=None,
        flags=(
            ("f", "do not ask"),
            ("r", "not needed: a folder is always deleted with everything in it"),
        ),
        examples=("delete old.txt", "delete 'my folder'", "delete -f *.tmp"),
        aliases=("rm",),
        completes=Completes.REMOTE,
    ),
    ShellVerb(
        "mkdir",
        "<dir>",
        "make a folder on the server",
        mkdir,
        least=1,
        most=None,
        examples=("mkdir docs",),
        completes=Completes.REMOTE_FOLDER,
    ),
    ShellVerb(
        "rename",
        "<old> <new>",
        "rename or move on the server",
        rename,
        least=2,
        most=2,
        examples=("rename a.txt b.txt", "rename a.txt docs/"),
        aliases=("mv",),
        completes=Completes.REMOTE,
    ),
)
