"""The current folders of both sides, and what a typed path means.

Remote paths are `a/b`, and "" is the workspace's root; people see and type `/a/b`. Local paths are
absolute. `..` removes the part of the path before it, as in a shell: links are not followed. It
never leaves the remote root.
"""

import posixpath
from dataclasses import dataclass, replace

PARENT = ".."


@dataclass(frozen=True, slots=True)
class Location:
    """The current folders.

    local   absolute
    remote  within `workspace`
    home    what `~` means on the local side
    """

    local: str
    remote: str = ""
    workspace: str = ""
    home: str = "/"

    def remote_path(self, text: str) -> str:
        """The path that `text` means on the server."""
        steps = [] if text.startswith("/") else _steps(self.remote)
        for step in _steps(text):
            if step != PARENT:
                steps.append(step)
            elif steps:
                steps.pop()
        return "/".join(steps)

    def local_path(self, text: str, *, home: bool = True) -> str:
        """The local path that `text` means. `home`: a `~` at its beginning is the home folder."""
        if home and (text == "~" or text.startswith("~/")):
            text = self.home + text[1:]
        return posixpath.normpath(posixpath.join(self.local, text))

    def in_remote(self, path: str) -> "Location":
        return replace(self, remote=path)

    def in_local(self, path: str) -> "Location":
        return replace(self, local=path)

    def in_workspace(self, name: str) -> "Location":
        """At the root of another workspace."""
        return replace(self, workspace=name, remote="")


def shown(remote: str) -> str:
    """A remote path as people see it: `/a/b`."""
    return f"/{remote}"


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rstrip("/").rpartition("/")[2]


def parent_of(remote: str) -> str:
    """The folder of a remote path; "" is the root."""
    return remote.rpartition("/")[0]


def joined(folder: str, name: str) -> str:
    """A path below a remote folder; "" is the root."""
    return f"{folder}/{name}" if folder else name


def _steps(path: str) -> list[str]:
    return [step for step in path.split("/") if step not in ("", ".")]
