"""A view of the system in which some files and folders are others, for one program.

A server that root starts may insist on users, or on folders below /run. With a view of its own
(a mount namespace) it finds them, and the system stays as it is.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.remotes.installed import Found
from tests.remotes.server import MissingError

_UNSHARE: Final = ("--mount", "--propagation", "private")
_ENTER: Final = """\
while [ "$1" != -- ]; do
  case "$1" in
    tmpfs:*) mount -t tmpfs -o "size=${1#tmpfs:}" none "$2" || exit ;;
    *) mount --bind "$1" "$2" || exit ;;
  esac
  shift 2
done
shift
exec "$@"
"""


def entering(other: Mapping[str, Path | str]) -> tuple[str, ...]:
    """What starts a program in such a view, before the program's own command.

    Args:
        other: for paths of the system, which are there, what the program finds in their place: a
            path, or "tmpfs:SIZE" for a disk of its own, in bytes.

    Raises:
        MissingError: we may not have views, as in many containers.
    """
    unshare = shutil.which("unshare")
    if unshare is None or Found(unshare, Path("/")).says(*_UNSHARE, "echo", "yes") != "yes":
        raise MissingError(
            "as root it needs a view of its own of the system, which we may not make"
        )
    pairs = [part for path, own in other.items() for part in (str(own), path)]
    return (unshare, *_UNSHARE, "sh", "-c", _ENTER, "sh", *pairs, "--")


def users_with(line: str, folder: Path) -> Path:
    """A file with the system's users and one more, whose name is of no other then."""
    name = line.split(":")[0]
    others = [
        one
        for one in Path("/etc/passwd").read_text().splitlines()
        if not one.startswith(f"{name}:")
    ]
    path = folder / "passwd"
    path.write_text("\n".join([*others, line, ""]))
    return path
