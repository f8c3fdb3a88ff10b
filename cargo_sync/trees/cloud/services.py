"""Which services there are, and how each calls what a job file says. Pure.

A service is an object store, or it is like a disk. An object store shows an object when all of it
is there, and has a folder as long as something is in it. On all others a new file grows in sight,
so it is staged and renamed; one that cannot rename is not used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError


@dataclass(frozen=True, slots=True)
class CloudService:
    """One kind of service.

    scheme    OpenDAL's name of it
    bucket    the option that names the bucket, or ""
    user, password  the options that a job's username and password are, or ""
    is_store  it is an object store
    """

    scheme: str
    bucket: str = ""
    user: str = ""
    password: str = ""
    is_store: bool = False


@dataclass(frozen=True, slots=True)
class CloudPlace:
    """A folder of a service, and how one logs in.

    service   as an address has it: `gs` in `cloud+gs://`
    bucket    its bucket or container, or ""
    path      the folder, "a/b" or ""
    username  a job's
    password  a job's, or ""
    options   OpenDAL's, by their names
    """

    service: str
    bucket: str
    path: str
    username: str = ""
    password: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"cloud+{self.service}://{self.bucket}/{self.path}"


MEMORY: Final = "memory"
"""For tests: all of it is gone with the process, and nothing tells that a file has changed."""
_GOOGLE: Final = CloudService("gcs", "bucket", "", "credential", True)
_SERVICES: Final[Mapping[str, CloudService]] = {
    "gs": _GOOGLE,
    "gcs": _GOOGLE,
    "azblob": CloudService("azblob", "container", "account_name", "account_key", True),
    "azdls": CloudService("azdls", "filesystem", "account_name", "account_key"),
    "b2": CloudService("b2", "bucket", "application_key_id", "application_key", True),
    "cos": CloudService("cos", "bucket", "secret_id", "secret_key", True),
    "obs": CloudService("obs", "bucket", "access_key_id", "secret_access_key", True),
    "oss": CloudService("oss", "bucket", "access_key_id", "access_key_secret", True),
    MEMORY: CloudService(MEMORY, is_store=True),
}
_OURS: Final[Mapping[str, str]] = {
    "s3": "s3://BUCKET or s3+https://HOST/BUCKET",
    "sftp": "sftp://HOST/PATH",
    "webdav": "webdav+https://HOST/PATH",
}
"""What Cargo reaches by itself, and better."""


def service_of(name: str) -> CloudService:
    """The service of this name; one that is not in our table is like a disk, without a bucket.

    Raises:
        ProblemError: UNSUPPORTED: Cargo has a way of its own.
    """
    if (better := _OURS.get(name)) is not None:
        message = f"cloud+{name}:// is not used: Cargo has a better way"
        raise ProblemError(
            Problem(Code.UNSUPPORTED, message, hint=f"write {better} in hostname", retry=False)
        )
    return _SERVICES.get(name) or CloudService(name)


def config_of(place: CloudPlace) -> Mapping[str, str]:
    """The options of OpenDAL for a folder.

    Raises:
        ProblemError: BAD_SETTINGS: the address and the options do not fit the service.
    """
    service = service_of(place.service)
    found = dict(place.options)
    for name in ("root", *filter(None, (service.bucket,))):
        if name in found:
            raise _wrong(f"options has {name}, which hostname says already", "leave it out")
    if service.bucket and not place.bucket:
        raise _wrong(
            f"hostname names no {service.bucket}", f"write cloud+{place.service}://NAME/PATH"
        )
    if place.bucket and not service.bucket:
        raise _wrong(
            f"cloud+{place.service} has no buckets", f"write cloud+{place.service}:///PATH"
        )
    if place.password and not service.password:
        raise _wrong(
            f"it is not known what a password is for cloud+{place.service}",
            "give what the service asks for in options",
        )
    if service.bucket:
        found[service.bucket] = place.bucket
    if service.user and place.username:
        found.setdefault(service.user, place.username)
    if service.password and place.password:
        found[service.password] = place.password
    found["root"] = f"/{place.path}"
    return found


def _wrong(message: str, hint: str) -> ProblemError:
    return ProblemError(Problem(Code.BAD_SETTINGS, message, hint=hint, retry=False))
