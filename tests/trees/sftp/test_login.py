"""Keys that cannot be read: why, and what to do."""

from pathlib import Path

import asyncssh
import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.sftp.login import SftpLogin, private_keys

NEEDS = asyncssh.KeyEncryptionError("OpenSSH private key encryption requires bcrypt")


@pytest.mark.parametrize(
    ("raised", "passphrase", "words"),
    [
        (NEEDS, None, "has a passphrase (set key_passphrase_file"),
        (NEEDS, "right", "needs the Python package bcrypt"),
        (asyncssh.KeyEncryptionError("Incorrect passphrase"), "wrong", "is not the right one"),
        (asyncssh.KeyImportError("none"), None, "holds no private key"),
        (FileNotFoundError(2, "No such file"), None, "cannot be read: no such file"),
    ],
)
def test_the_reason_is_said(
    raised: Exception, passphrase: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: str, given: str | None) -> None:
        assert given == passphrase
        raise raised

    monkeypatch.setattr(asyncssh, "read_private_key", read)
    given = None if passphrase is None else lambda: passphrase
    with pytest.raises(ProblemError) as caught:
        private_keys(SftpLogin("h", 22, "ana", key_file=str(Path("/k")), passphrase=given))
    assert words in str(caught.value)
