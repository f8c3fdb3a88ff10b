"""The text by which a workspace is found: the real path of its folder, or the name of its store.

The catalogue has it, and so have the tables of open workspaces and grants.
"""

import os
from typing import Final

STORED: Final = "stored:"
"""Before the name of a workspace that has no folder. A folder's path is absolute."""


def stored_root(name: str) -> str:
    """The root of a workspace without a folder, by its name."""
    return STORED + name


def is_stored(root: str) -> bool:
    """Whether a workspace has no folder."""
    return root.startswith(STORED)


def real_root(path: str) -> str:
    """The root of what the settings name: links to a folder are followed. It blocks."""
    return path if is_stored(path) else os.path.realpath(path)
