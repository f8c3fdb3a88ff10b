import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cargo_sync.config.certificates import certificate_warnings, expiry
from cargo_sync.config.check import check
from tests.config.samples import NOW, write

DAY = 86400.0


def certificate(folder: Path, days: float) -> tuple[str, str]:
    """The files of a certificate that ends so many days after NOW, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "files.example")])
    ends = datetime.datetime.fromtimestamp(NOW + days * DAY, datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ends - datetime.timedelta(days=90))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    secret.chmod(0o600)
    return str(cert), str(secret)


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (365.0, ""),
        (14.1, ""),
        (14.0, "expires in 14 days, on 2026-03-15"),
        (1.5, "expires in 1 day, on 2026-03-02"),
        (0.5, "expires today or tomorrow, on 2026-03-01"),
        (0.0, "expired on 2026-03-01"),
        (-1.0, "expired on 2026-02-28"),
    ],
)
def test_what_is_said_about_the_end(days: float, words: str) -> None:
    assert expiry(NOW + days * DAY, NOW) == words


def test_a_fresh_certificate_with_a_private_key_needs_nothing(tmp_path: Path) -> None:
    assert certificate_warnings(*certificate(tmp_path, 60), NOW) == []


def test_the_end_and_an_open_key_are_warned_of(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, 12)
    Path(key).chmod(0o640)
    assert certificate_warnings(cert, key, NOW) == [
        f"the certificate {cert} expires in 12 days, on 2026-03-13: renew it; the server loads it "
        "by itself",
        f"others can read the key {key} (mode 0640); run: chmod 600 {key}",
    ]


def test_a_key_of_another_user_may_be_open_to_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path, 60)
    monkeypatch.setattr("os.getuid", lambda: Path(key).stat().st_uid + 1)
    Path(key).chmod(0o640)
    assert certificate_warnings(cert, key, NOW) == []
    Path(key).chmod(0o644)
    assert certificate_warnings(cert, key, NOW) == [
        f"others can read the key {key} (mode 0644); run: chmod o= {key}"
    ]


def test_files_that_are_gone_are_warned_of(tmp_path: Path) -> None:
    cert, key = f"{tmp_path}/cert.pem", f"{tmp_path}/key.pem"
    gone = "No such file or directory"
    assert certificate_warnings(cert, key, NOW) == [
        f"the certificate {cert} cannot be read: {gone}",
        f"the key {key} cannot be looked at: {gone}",
    ]
    Path(cert).write_text("nothing")
    assert certificate_warnings(cert, key, NOW)[0] == (
        f"the certificate {cert} cannot be read: it is not one in PEM"
    )


def test_check_says_it_too(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, 3)
    file = write(tmp_path, {"listen": "localhost", "tls": {"cert": cert, "key": key}})
    assert check([file], {"HOME": "/"}, NOW) == (
        [
            f"{file}: OK",
            f"{file}: warning: the certificate {cert} expires in 3 days, on 2026-03-04: renew it; "
            "the server loads it by itself",
        ],
        0,
    )
