"""Keys that cannot be read: why, and what to do."""

from pathlib import Path

import asyncssh
import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.sftp.login import SftpLogin, private_keys

SEALED = "has a passphrase"


def login(key: Path, passphrase: str | None = None) -> SftpLogin:
    given = None if passphrase is None else lambda: passphrase
    return SftpLogin("h", 22, "ana", key_file=str(key), passphrase=given)


def test_keys_are_read_and_why_they_are_not_is_said(tmp_path: Path) -> None:
    made = asyncssh.generate_private_key("ssh-ed25519")
    plain, sealed, none = tmp_path / "plain", tmp_path / "sealed", tmp_path / "none"
    made.write_private_key(plain)
    # As ssh-keygen seals them, but quickly.
    exported = made.export_private_key(
        "openssh", passphrase="right", rounds=2, ignore_few_rounds=True
    )
    sealed.write_bytes(exported)
    none.write_text("no key")
    for one in (login(plain), login(sealed, "right")):
        assert [key.public_data for key in private_keys(one)] == [made.public_data]
    for one, words in (
        (login(sealed), f"{SEALED} (set key_passphrase_file"),
        (login(sealed, "wrong"), f"{SEALED}, and this is not the right one"),
        (login(none), "holds no private key"),
        (login(tmp_path / "gone"), "cannot be read: no such file"),
    ):
        with pytest.raises(ProblemError) as caught:
            private_keys(one)
        assert words in str(caught.value)
