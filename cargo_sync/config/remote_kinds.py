"""What each kind of far side asks of a job file: which fields have a meaning, and what is usual.

One table says it; the form of a job file asks here, so that a new kind is one more row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from cargo_sync.config import places
from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.shape import wrong

NAMES: Final[Mapping[RemoteKind, str]] = {
    RemoteKind.CARGO: "a Cargo server",
    RemoteKind.S3: "an S3 bucket",
    RemoteKind.WEBDAV: "a WebDAV server",
    RemoteKind.SFTP: "an SFTP server",
    RemoteKind.FTP: "an FTP server",
    RemoteKind.PYDIO: "a Pydio server",
    RemoteKind.CLOUD: "a bucket of a cloud",
}
POLLED_SLEEP: Final = 60.0
"""Seconds between two looks at a server that is asked for all of its folders each time."""
_LONGEST_USER: Final = 255

_CERTIFIED: Final = frozenset(RemoteKind) - {RemoteKind.SFTP, RemoteKind.CLOUD}


@dataclass(frozen=True, slots=True)
class _Meaning:
    """The kinds for which a field has a meaning, and what to do for the others."""

    kinds: frozenset[RemoteKind]
    otherwise: str


_ONLY_SFTP: Final = frozenset({RemoteKind.SFTP})
_HAS_HOST_KEY: Final = _Meaning(
    _ONLY_SFTP, "which has no host key; tls_fingerprint or ca_file say which certificate to trust"
)
_TAKES_KEYS: Final = _Meaning(_ONLY_SFTP, "which takes no key; use password or password_file")
_HAS_CERTIFICATE: Final = _Meaning(
    _CERTIFIED, "which has no certificate; host_key or known_hosts say which server to trust"
)
_MEANINGS: Final[Mapping[str, _Meaning]] = {
    "workspace": _Meaning(
        frozenset({RemoteKind.CARGO, RemoteKind.PYDIO}),
        "which has no workspaces; hostname and remote_dir say the folder",
    ),
    "tls_fingerprint": _HAS_CERTIFICATE,
    "ca_file": _HAS_CERTIFICATE,
    "host_key": _HAS_HOST_KEY,
    "known_hosts": _HAS_HOST_KEY,
    "key_file": _TAKES_KEYS,
    "key_passphrase_file": _TAKES_KEYS,
    "agent": _TAKES_KEYS,
    "options": _Meaning(
        frozenset({RemoteKind.CLOUD}), "which has fields of its own for all that it can be told"
    ),
    "region": _Meaning(frozenset({RemoteKind.S3}), "which has no regions"),
    "trash": _Meaning(
        frozenset(RemoteKind) - {RemoteKind.CARGO},
        "which keeps by itself what is replaced or deleted",
    ),
    "xattrs": _Meaning(
        frozenset({RemoteKind.CARGO}), "which keeps no extended attributes; leave it out"
    ),
}


def fields_of(kind: RemoteKind) -> frozenset[str]:
    """The fields in the table that have a meaning for a kind."""
    return frozenset(name for name, meaning in _MEANINGS.items() if kind in meaning.kinds)


def check_sealed(remote: RemoteAddress, *, allow_plain: bool) -> None:
    """Checks that nobody on the way reads what a job sends to an address.

    Raises:
        ValueError: the way there is not encrypted.
    """
    if not (remote.secure or allow_plain or remote.is_loopback):
        secure = replace(remote, secure=True).scheme
        raise wrong(
            f"{remote.scheme}:// sends the password and the files unencrypted; use {secure}://, "
            'or write "allow_plain": true if the network is your own'
        )


def check_meaning(field: str, remote: RemoteAddress) -> None:
    """Checks that a field which a file has means something for what is at an address.

    Raises:
        ValueError: it does not.
    """
    meaning = _MEANINGS[field]
    if meaning is _HAS_CERTIFICATE and remote.kind is RemoteKind.CLOUD:
        raise wrong("has no meaning for a cloud, whose certificate is one that the system trusts")
    if remote.kind not in meaning.kinds:
        raise wrong(f"has no meaning for {NAMES[remote.kind]}, {meaning.otherwise}")
    if meaning is _HAS_CERTIFICATE and not remote.secure:
        raise wrong(f"has no meaning with {remote.scheme}://, which has no certificate")


def user_name(text: str, kind: RemoteKind | None) -> str:
    """The name of a user, as a kind of server may have it; None: as a Cargo server.

    Raises:
        ValueError: it is not such a name.
    """
    if kind in (None, RemoteKind.CARGO, RemoteKind.PYDIO):
        return places.segment(text)
    if not text or len(text) > _LONGEST_USER:
        raise ValueError(f"must have 1 to {_LONGEST_USER} characters")
    if places.has_controls(text):
        raise ValueError("contains a control character")
    if kind is RemoteKind.WEBDAV and ":" in text:
        raise ValueError('may not contain ":", which ends the name in a login over HTTP')
    return text


def check_region(region: str | None, remote: RemoteAddress) -> None:
    """Checks that there is a region where one is needed.

    Raises:
        ValueError: it is missing.
    """
    if region is None and remote.kind is RemoteKind.S3 and not remote.host:
        raise ValueError("is missing: each bucket of AWS is in a region")


def usual_sleep(kind: RemoteKind, sleep: float) -> float:
    """Seconds between two looks if a job file does not say it; `sleep` is a Cargo server's."""
    return sleep if kind is RemoteKind.CARGO else POLLED_SLEEP
