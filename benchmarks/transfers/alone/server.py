"""`cargo_sync`, but flows of its server end in `ends`: nothing is read, written or recorded.

Folders are real, and so is the catalogue of what was there at the start.
"""

from unittest.mock import patch

from benchmarks.transfers.alone.ends import NoDisk, NoFiles
from cargo_sync.main import cargo_sync
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace

if __name__ == "__main__":
    with (
        patch.object(FolderWorkspace, "sink", lambda *_: NoDisk()),
        patch.object(FolderWorkspace, "source", lambda *_: NoFiles()),
    ):
        cargo_sync()
