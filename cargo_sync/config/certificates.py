"""What the files of a server's certificate need somebody to do, as warnings."""

import os
import stat
from datetime import UTC, datetime
from typing import Final

SOON: Final = 14 * 86400.0
"""Seconds before its end in which a certificate is warned of."""


def expiry(ends: float, now: float) -> str:
    """`expires in 12 days, on 2026-03-13`; "" if that is not soon. Unix seconds."""
    if ends - now > SOON:
        return ""
    date = f"{datetime.fromtimestamp(ends, UTC):%Y-%m-%d}"
    if ends <= now:
        return f"expired on {date}"
    days = int((ends - now) // 86400)
    when = "today or tomorrow" if days == 0 else f"in {days} day{'s' if days > 1 else ''}"
    return f"expires {when}, on {date}"


def end_warning(cert: str, ends: float, now: float) -> str:
    """A warning if the certificate of the file `cert` ends soon; else "". Unix seconds."""
    end = expiry(ends, now)
    return f"the certificate {cert} {end}: renew it; the server loads it by itself" if end else ""


def certificate_warnings(cert: str, key: str, now: float) -> list[str]:
    """Warnings of the PEM files of a server's certificate: its end, and who can read its key."""
    return [warning for warning in (_end_of(cert, now), key_exposure(key)) if warning]


def key_exposure(path: str) -> str:
    """A warning if others can read a private key; else "".

    A group may read the key if it belongs to another user: so the system gives it to a server.
    """
    if os.name == "nt":  # ACLs decide there, the mode bits do not
        return ""
    try:
        found = os.stat(path)
    except OSError as error:
        return f"the key {path} cannot be looked at: {error.strerror}"
    own = found.st_uid == os.getuid()
    if found.st_mode & (0o077 if own else 0o007) == 0:
        return ""
    mode = stat.S_IMODE(found.st_mode)
    right = "600" if own else "o="
    return f"others can read the key {path} (mode {mode:04o}); run: chmod {right} {path}"


def _end_of(cert: str, now: float) -> str:
    """A warning if a certificate ends soon; the first one of the file counts, not its chain."""
    from cryptography import x509  # a daemon needs only the words, and would start later

    try:
        with open(cert, "rb") as file:
            first = x509.load_pem_x509_certificate(file.read())
    except OSError as error:
        return f"the certificate {cert} cannot be read: {error.strerror}"
    except ValueError:
        return f"the certificate {cert} cannot be read: it is not one in PEM"
    return end_warning(cert, first.not_valid_after_utc.timestamp(), now)
