"""The self-made certificate: made once, private, for every name it is reached by."""

import datetime
import hashlib
import os
import shutil
import ssl
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.server.http import tls
from tests.offloads import inline

NOW = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
NAMES = ["localhost", "files.example", "127.0.0.1", "::1", "localhost"]


def test_it_is_made_once_and_the_key_is_private(tmp_path: Path) -> None:
    made = tls.self_made(str(tmp_path), NAMES, NOW)
    assert stat.S_IMODE(os.stat(made.key).st_mode) == 0o600
    assert tls.self_made(str(tmp_path), ["other"], NOW) == made
    assert sorted(os.listdir(tmp_path)) == ["server.crt", "server.key"]


def test_names_and_life(tmp_path: Path) -> None:
    made = tls.self_made(str(tmp_path), NAMES, NOW)
    certificate = x509.load_pem_x509_certificate(Path(made.cert).read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost", "files.example", "127.0.0.1", "::1"]
    assert certificate.not_valid_before_utc < NOW
    assert certificate.not_valid_after_utc > NOW + datetime.timedelta(days=3649)


def test_the_fingerprint_is_what_a_client_computes(tmp_path: Path) -> None:
    made = tls.self_made(str(tmp_path), NAMES, NOW)
    der = ssl.PEM_cert_to_DER_cert(Path(made.cert).read_text())
    assert made.fingerprint == "sha256:" + hashlib.sha256(der).hexdigest()


def test_a_listener_can_use_it(tmp_path: Path) -> None:
    context = tls.context(tls.self_made(str(tmp_path), NAMES, NOW))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_what_is_no_certificate_is_said_so(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    with pytest.raises(ProblemError, match="no certificate"):
        tls.own(str(bad), str(bad))
    with pytest.raises(ProblemError, match="cannot be read"):
        tls.own(str(tmp_path / "none"), str(bad))
    one = tls.self_made(str(tmp_path), NAMES, NOW)
    (tmp_path / "other").mkdir()
    two = tls.self_made(str(tmp_path / "other"), NAMES, NOW)
    with pytest.raises(ProblemError, match="cannot be used"):
        tls.context(one._replace(key=two.key))


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def served(context: ssl.SSLContext) -> str:
    """The fingerprint of the certificate that a new connection gets, without a network."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(back, there)
    server = context.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for end in (client, server):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    der = client.getpeercert(binary_form=True)
    assert der is not None
    return "sha256:" + hashlib.sha256(der).hexdigest()


async def test_a_renewed_certificate_is_taken_and_a_wrong_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = NOW.timestamp()
    world = World(lambda: now, lambda: 0.0, lambda: 0.5, lambda: "id", inline, lambda: now)
    first = tls.self_made(str(_folder(tmp_path / "a")), NAMES, NOW)
    certificate = tls.ServedCertificate(first, world)
    await certificate.look()
    assert (certificate.warnings, served(certificate.context)) == ((), first.fingerprint)

    second = tls.self_made(str(_folder(tmp_path / "b")), NAMES, NOW)
    shutil.copy(second.cert, first.cert)
    await certificate.look()
    [warning] = certificate.warnings
    assert warning.startswith("the old certificate stays: ")
    assert served(certificate.context) == first.fingerprint

    shutil.copy(second.key, first.key)
    os.chmod(first.key, 0o644)
    await certificate.look()
    assert served(certificate.context) == second.fingerprint
    assert certificate.warnings == (
        f"others can read the key {first.key} (mode 0644); run: chmod 600 {first.key}",
    )
    now += tls.YEARS * 365 * 86400 - 86400
    await certificate.look()
    assert certificate.warnings[0].startswith(f"the certificate {first.cert} expires in 1 day, ")
    assert certificate.warnings[0] in [record.getMessage() for record in caplog.records]
