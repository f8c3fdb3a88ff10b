"""What a `hostname` names: a Cargo server, or a server of somebody else.

An address is read once, here, and travels as a value: its kind decides which tree is built and
which fields of a job have a meaning (`remote_kinds`). It never holds a name or a password.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from cargo_sync.config import places
from cargo_sync.config.shape import wrong
from cargo_sync.suggest import did_you_mean


class RemoteKind(StrEnum):
    """What answers at an address."""

    CARGO = "cargo"
    S3 = "s3"
    WEBDAV = "webdav"
    SFTP = "sftp"
    FTP = "ftp"
    PYDIO = "pydio"
    CLOUD = "cloud"


class _Form(NamedTuple):
    """What a scheme says. A port of 0: the address has none."""

    kind: RemoteKind
    secure: bool
    port: int
    written: str


FTPS_PORT: Final = 990
"""With `ftps://` and this port, TLS begins at once; with another one, after a command."""
_CLOUD: Final = "cloud+"
_FORMS: Final = {
    "https": _Form(RemoteKind.CARGO, True, places.DEFAULT_PORT, "https://HOST"),
    "http": _Form(RemoteKind.CARGO, False, places.DEFAULT_PORT, "http://HOST"),
    "s3": _Form(RemoteKind.S3, True, 0, "s3://BUCKET"),
    "s3+https": _Form(RemoteKind.S3, True, 443, "s3+https://HOST/BUCKET"),
    "s3+http": _Form(RemoteKind.S3, False, 80, "s3+http://HOST/BUCKET"),
    "webdav+https": _Form(RemoteKind.WEBDAV, True, 443, "webdav+https://HOST/PATH"),
    "webdav+http": _Form(RemoteKind.WEBDAV, False, 80, "webdav+http://HOST/PATH"),
    "sftp": _Form(RemoteKind.SFTP, True, 22, "sftp://HOST/PATH"),
    "ftps": _Form(RemoteKind.FTP, True, 21, "ftps://HOST/PATH"),
    "ftp": _Form(RemoteKind.FTP, False, 21, "ftp://HOST/PATH"),
    "pydio+https": _Form(RemoteKind.PYDIO, True, 443, "pydio+https://HOST"),
    "pydio+http": _Form(RemoteKind.PYDIO, False, 80, "pydio+http://HOST"),
}
_OTHER_NAMES: Final = {
    "dav": "webdav+http",
    "davs": "webdav+https",
    "webdav": "webdav+https",
    "webdavs": "webdav+https",
    "s3s": "s3+https",
    "ssh": "sftp",
    "scp": "sftp",
    "ftpes": "ftps",
    "pydio": "pydio+https",
    "gs": f"{_CLOUD}gs",
    "azblob": f"{_CLOUD}azblob",
}
"""Schemes of other programs, and ours for the same."""
_MOUNTED: Final = frozenset({"smb", "cifs", "nfs", "afp", "file"})
"""Schemes of what a system mounts as a folder."""
_SAFE: Final = "/!$&'()*+,;=:~"
"""What a path may have as it is, besides letters and digits (RFC 3986); an @ is not among it."""
_AWS_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
"""Other servers' buckets, and the containers of clouds, may have longer and shorter names."""
_SERVICE: Final = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class RemoteAddress:
    """A far side's address. `str()` gives it back in its usual form, and never shows a secret.

    host    in lower case, an IPv6 address without brackets; "" for `s3://` and a cloud
    port    0 where there is no host
    secure  the connection is encrypted
    path    below host or bucket, decoded: `a/b`, or "". Of a Cargo server it is the prefix of its
            API as it is written; of all others a folder
    bucket  of S3; of a cloud, its bucket or container; else ""
    home    the path begins in the user's home folder, not at the top (SFTP)
    service what a cloud is: `gs` in `cloud+gs://`; else ""
    """

    kind: RemoteKind
    host: str
    port: int
    secure: bool
    path: str = ""
    bucket: str = ""
    home: bool = False
    service: str = ""

    @classmethod
    def parse(cls, text: str) -> "RemoteAddress":
        """The address in a text. Without a scheme it is a Cargo server's, with https.

        Raises:
            ValueError: it is none; the sentence says what to write, and never quotes the text,
                because people write passwords in it.
        """
        scheme, separator, rest = text.strip().partition("://")
        scheme = scheme.lower() if separator else "https"
        if scheme.startswith(_CLOUD):
            return _cloud(scheme.removeprefix(_CLOUD), rest)
        form = _FORMS.get(scheme)
        if form is None:
            raise wrong(_unknown(scheme))
        if form.kind is RemoteKind.CARGO:
            at = places.url_place(places.base_url(text))
            path = at.path.strip("/")
            return cls(form.kind, at.host, at.port or form.port, form.secure, path)
        if scheme == "s3":
            return _at_aws(rest)
        at = places.url_place(f"{scheme}://{rest}")
        address = cls(form.kind, at.host, at.port or form.port, form.secure)
        if form.kind is RemoteKind.S3:
            return _bucket_of(address, at.path, form.written)
        if form.kind is RemoteKind.SFTP and at.path.startswith("/~"):
            return _in_home(address, at.path)
        return replace(address, path=_folder(at.path))

    def below(self, folder: str) -> "RemoteAddress":
        """The address of a folder `a/b` below this one; "" is this one."""
        return replace(self, path="/".join(part for part in (self.path, folder) if part))

    @property
    def scheme(self) -> str:
        """What stands before `://`."""
        if self.kind is RemoteKind.CLOUD:
            return _CLOUD + self.service
        wanted = (self.kind, self.secure)
        return next(
            scheme
            for scheme, form in _FORMS.items()
            if (form.kind, form.secure) == wanted and bool(form.port) == bool(self.host)
        )

    @property
    def authority(self) -> str:
        """`host:port`, without the usual port of its scheme; a Cargo server's always has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.kind is not RemoteKind.CARGO and self.port == _FORMS[self.scheme].port
        return host if usual else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """`https://host:port` or `http://…`, of a server that speaks HTTP."""
        return f"{'https' if self.secure else 'http'}://{self.authority}"

    @property
    def tls_at_once(self) -> bool:
        """Whether TLS begins before the first command: FTP does it on one port only."""
        return self.secure and (self.kind is not RemoteKind.FTP or self.port == FTPS_PORT)

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return places.is_loopback(self.host)

    def __str__(self) -> str:
        if self.kind is RemoteKind.CARGO:
            return self.origin + (f"/{self.path}" if self.path else "")
        path = quote(self.path, _SAFE)
        if self.kind is RemoteKind.SFTP and path.startswith("~"):
            path = f"%7E{path[1:]}"  # a folder of this name, not a home
        if self.home:
            path = f"~/{path}"
        if self.kind is RemoteKind.CLOUD:
            return f"{self.scheme}://{self.bucket}" + (f"/{path}" if path else "")
        parts = (self.authority if self.host else "", self.bucket, path)
        return f"{self.scheme}://" + "/".join(part for part in parts if part)


def _at_aws(rest: str) -> RemoteAddress:
    bucket, path = _in_bucket(rest, "s3+https://HOST/BUCKET")
    if not _AWS_BUCKET.fullmatch(bucket):
        raise ValueError("names no bucket that AWS could have; s3://BUCKET is for AWS")
    return RemoteAddress(RemoteKind.S3, "", 0, True, path, bucket)


def _bucket_of(server: RemoteAddress, path: str, form: str) -> RemoteAddress:
    bucket, _, prefix = path.lstrip("/").partition("/")
    if not bucket:
        raise ValueError(f"names no bucket; write {form}")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("has a wrong name of a bucket")
    return replace(server, bucket=bucket, path=_folder(prefix))


def _in_home(server: RemoteAddress, path: str) -> RemoteAddress:
    home, _, folder = path[1:].partition("/")
    if home != "~":
        raise ValueError("names the home folder of a user; only /~/, one's own, works")
    return replace(server, path=_folder(folder), home=True)


def _cloud(service: str, rest: str) -> RemoteAddress:
    if not _SERVICE.fullmatch(service):
        raise ValueError(f"names no service after {_CLOUD}; write for example {_CLOUD}gs://BUCKET")
    bucket, path = _in_bucket(rest, "endpoint in `options`")
    if bucket and not _BUCKET.fullmatch(bucket):
        raise ValueError("has a wrong name of a bucket")
    return RemoteAddress(RemoteKind.CLOUD, "", 0, True, path, bucket, service=service)


def _in_bucket(rest: str, elsewhere: str) -> tuple[str, str]:
    """Bucket and folder of `BUCKET/PATH`. A host is written in another way, `elsewhere`."""
    if "@" in rest:
        raise ValueError(places.NO_LOGIN_HERE)
    if "?" in rest or "#" in rest:
        raise ValueError(places.NO_QUERY_HERE)
    bucket, _, path = rest.partition("/")
    if ":" in bucket:
        raise ValueError(f"has a port, so it names a server, not a bucket; write {elsewhere}")
    return bucket, _folder(path)


def _folder(path: str) -> str:
    """A folder as `a/b`, from a path in which some characters may be written as %20."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", path):
        raise ValueError("has a % in its path that begins no %20 or the like; write it as %25")
    if "%2f" in path.lower():
        raise ValueError("has a / in the name of a folder (%2F), which no file system can hold")
    try:
        return places.remote_path(unquote(path, errors="strict"))
    except UnicodeDecodeError:
        raise ValueError("has a path that is not UTF-8") from None


def _unknown(scheme: str) -> str:
    if scheme in _MOUNTED:
        return (
            f"is {scheme}://, which Cargo does not speak; let the system mount it, and name the "
            "mounted folder in local_dir"
        )
    if (ours := _OTHER_NAMES.get(scheme)) is not None:
        return f"must begin with {ours}://"
    known = ", ".join(form.written for form in _FORMS.values())
    near = did_you_mean(scheme, _FORMS)
    return " ".join(filter(None, ("names nothing that Cargo knows;", near, f"known: {known}")))
