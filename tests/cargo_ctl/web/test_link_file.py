"""The link in its file, and the certificate of the page."""

import os
import ssl
from pathlib import Path

import pytest

from cargo_ctl.web.certificate import WebCertificate, WebCertificateError, own_certificate
from cargo_ctl.web.link_file import LinkFile, LinkFileError, has_screen
from cargo_ctl.web.reachable import Listen

LINK = "http://127.0.0.1:8480/#key=a-b_c"


def test_only_this_user_reads_the_link(tmp_path: Path) -> None:
    env = {"CARGO_RUNTIME_DIR": str(tmp_path / "run")}
    file = LinkFile(env, 8480)
    assert file.read() == ""
    file.write(LINK)
    assert LinkFile(env, 8480).read() == LINK
    assert LinkFile(env, 8481).read() == ""
    assert os.stat(file.path).st_mode & 0o777 == 0o600
    assert os.stat(os.path.dirname(file.path)).st_mode & 0o777 == 0o700
    file.write(LINK + "2")
    assert file.read() == LINK + "2"
    file.remove()
    file.remove()
    assert os.listdir(tmp_path / "run") == []


def test_a_folder_that_others_may_use_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "web-8480").mkdir()
    (tmp_path / "run" / "web-8480").chmod(0o755)
    file = LinkFile({"CARGO_RUNTIME_DIR": str(tmp_path / "run")}, 8480)
    with pytest.raises(LinkFileError, match="others may use"):
        file.write(LINK)
    assert file.read() == ""


def test_a_browser_opens_only_where_there_is_a_screen() -> None:
    assert not has_screen({}) or os.uname().sysname == "Darwin"
    assert has_screen({"DISPLAY": ":0"})
    assert has_screen({"WAYLAND_DISPLAY": "wayland-0"})


def test_a_certificate_of_its_own(tmp_path: Path) -> None:
    made = own_certificate(str(tmp_path / "config"), Listen("192.0.2.7", 8480))
    assert {"localhost", "127.0.0.1", "::1", "192.0.2.7"} <= made.names
    assert made.fingerprint.startswith("sha256:")
    assert os.stat(tmp_path / "config" / "web.key").st_mode & 0o777 == 0o600
    again = own_certificate(str(tmp_path / "config"), Listen("192.0.2.7", 8480))
    assert again.fingerprint == made.fingerprint


def test_a_renewed_certificate_is_taken_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    own_certificate(str(tmp_path / "new"), Listen("127.0.0.1", 1))
    served = own_certificate(str(tmp_path / "old"), Listen("127.0.0.1", 1))
    served.look()
    assert caplog.messages == []
    (tmp_path / "old" / "web.crt").write_text("nothing")
    served.look()
    for name in ("web.crt", "web.key"):
        os.replace(tmp_path / "new" / name, tmp_path / "old" / name)
    served.look()
    assert [text.split(":")[0] for text in caplog.messages] == [
        "the old certificate is still used",
        f"new connections get the new certificate in {tmp_path / 'old' / 'web.crt'}",
    ]


def test_a_certificate_that_cannot_be_used(tmp_path: Path) -> None:
    own_certificate(str(tmp_path / "a"), Listen("127.0.0.1", 1))
    own_certificate(str(tmp_path / "b"), Listen("127.0.0.1", 1))
    with pytest.raises(WebCertificateError, match="belong together"):
        WebCertificate(str(tmp_path / "a" / "web.crt"), str(tmp_path / "b" / "web.key"))
    with pytest.raises(WebCertificateError, match="belong together"):
        WebCertificate(str(tmp_path / "missing"), str(tmp_path / "missing"))


def test_tls_is_1_2_or_newer(tmp_path: Path) -> None:
    made = own_certificate(str(tmp_path), Listen("127.0.0.1", 1))
    assert made.context.minimum_version is ssl.TLSVersion.TLSv1_2
