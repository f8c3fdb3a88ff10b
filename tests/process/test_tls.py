"""The self-made certificate: made once, private, for every name it is reached by."""

import asyncio
import datetime
import hashlib
import os
import ssl
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process import tls
from cargo_sync.process.wakeup import Wakeup
from tests import virtual
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


@dataclass
class Renewing:
    """A certificate in the folder `a` is watched, `b` has another. Clocks are set by hand."""

    folder: Path
    now: float = NOW.timestamp()

    def __post_init__(self) -> None:
        self.first = tls.self_made(str(_folder(self.folder / "a")), NAMES, NOW)
        self.second = tls.self_made(str(_folder(self.folder / "b")), NAMES, NOW)
        wall = lambda: self.now  # noqa: E731
        world = World(wall, wall, lambda: 0.5, lambda: "id", inline, wall)
        self.watched = tls.ServedCertificate(self.first, world)

    @property
    def fingerprint(self) -> str:
        assert self.watched.served.fingerprint == served(self.watched.context())
        return self.watched.served.fingerprint

    def put(self, **files: str) -> None:
        """Writes over the first certificate's files, in place."""
        for name, content in files.items():
            Path(getattr(self.first, name)).write_text(content)


@pytest.fixture
def renewing(tmp_path: Path) -> Renewing:
    return Renewing(tmp_path)


def test_a_renewed_certificate_is_noticed_within_a_minute(
    renewing: Renewing, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    async def story() -> None:
        watching = asyncio.create_task(renewing.watched.run())
        await Wakeup().wait(45.0)
        os.replace(renewing.second.key, renewing.first.key)
        os.replace(renewing.second.cert, renewing.first.cert)
        await Wakeup().wait(60.0)
        watching.cancel()

    virtual.run(story())
    assert renewing.fingerprint == renewing.second.fingerprint
    told = f"new connections get the new certificate, {renewing.second.fingerprint}"
    assert caplog.messages == [told]


async def test_half_a_pair_is_not_taken_and_the_old_one_serves_on(
    renewing: Renewing, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = renewing.first, renewing.second
    new_cert, new_key = Path(second.cert).read_text(), Path(second.key).read_text()
    for broken in ({"cert": new_cert}, {"cert": new_cert[:300]}, {"cert": "", "key": ""}):
        renewing.put(**broken)
        await renewing.watched.look()
        [warning] = renewing.watched.warnings
        assert warning.startswith("the old certificate is still served: ")
        assert renewing.fingerprint == first.fingerprint
    os.unlink(first.key)
    assert await renewing.watched.look_again() == renewing.watched.warnings[-1]
    assert "cannot be read" in renewing.watched.warnings[-1]
    renewing.put(cert=new_cert, key=new_key)
    os.chmod(first.key, 0o600)
    assert await renewing.watched.look() == (
        f"new connections get the new certificate, {second.fingerprint}"
    )
    assert (renewing.fingerprint, renewing.watched.warnings) == (second.fingerprint, ())


async def test_the_content_decides_not_the_time_of_the_files(
    renewing: Renewing, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    await renewing.watched.look()
    os.utime(renewing.first.cert, (1, 1))
    renewing.put(key=Path(renewing.first.key).read_text())
    assert await renewing.watched.look() == await renewing.watched.look_again() == ""
    assert not caplog.messages

    chain = Path(renewing.first.cert).read_text() + Path(renewing.second.cert).read_text()
    renewing.put(cert=chain)
    assert "new certificate" in await renewing.watched.look(), "another chain counts too"
    assert renewing.fingerprint == renewing.first.fingerprint


async def test_files_that_did_not_change_are_not_read_again(
    renewing: Renewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await renewing.watched.look()
    monkeypatch.setattr(tls, "_read", lambda _: pytest.fail("it was read"))
    await renewing.watched.look()


async def test_warnings_are_logged_when_they_are_new_and_once_a_day(
    renewing: Renewing, caplog: pytest.LogCaptureFixture
) -> None:
    renewing.now = renewing.first.ends - 15 * tls.DAY
    await renewing.watched.look()
    assert (renewing.watched.warnings, caplog.messages) == ((), [])
    for hour in range(3 * 24):
        renewing.now = renewing.first.ends - 14 * tls.DAY + hour * 3600
        await renewing.watched.look()
    days = [message.partition(" expires in ")[2].partition(",")[0] for message in caplog.messages]
    assert days == ["14 days", "13 days", "12 days"]
    os.chmod(renewing.first.key, 0o644)
    await renewing.watched.look()
    key = renewing.first.key
    assert caplog.messages[3:] == [
        f"others can read the key {key} (mode 0644); run: chmod 600 {key}"
    ]
    assert len(renewing.watched.warnings) == 2
    await renewing.watched.look_again()
    assert len(caplog.messages) == 6, "a reload says all of them"


def test_an_encrypted_key_is_an_error_and_asks_nobody(renewing: Renewing) -> None:
    secret = serialization.load_pem_private_key(Path(renewing.first.key).read_bytes(), None)
    form = serialization.PrivateFormat.PKCS8
    hidden = serialization.BestAvailableEncryption(b"hidden")
    encrypted = secret.private_bytes(serialization.Encoding.PEM, form, hidden)
    renewing.put(key=encrypted.decode())
    with pytest.raises(ProblemError, match="without a password, and belong to"):
        tls.context(renewing.first)
