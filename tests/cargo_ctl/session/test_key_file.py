"""Whether a private key has a passphrase."""

import base64
from pathlib import Path

import pytest

from cargo_ctl.session.key_file import is_locked


def openssh(cipher: bytes) -> str:
    content = b"openssh-key-v1\0" + len(cipher).to_bytes(4) + cipher + b"x" * 90
    text = base64.b64encode(content).decode()
    lines = "\n".join(text[start : start + 70] for start in range(0, len(text), 70))
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{lines}\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("text", "locked"),
    [
        (openssh(b"none"), False),
        (openssh(b"aes256-ctr"), True),
        ("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nabc\n", True),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nabc\n", True),
        ("-----BEGIN PRIVATE KEY-----\nabc\n", False),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n!\n", False),
        ("", False),
        ("é", False),
    ],
)
def test_a_passphrase_is_seen(text: str, locked: bool, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(text, encoding="utf-8")
    assert is_locked(str(tmp_path / "key")) is locked
    assert not is_locked(str(tmp_path / "none"))
