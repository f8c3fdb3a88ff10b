"""What a URL of a bucket names: where the endpoint is, which bucket, and how it is asked for."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cargo_sync.config.places import has_controls, host_name, remote_path

FORMS: Final = "s3://bucket for Amazon, or s3+https://endpoint/bucket"
DEFAULT_REGION: Final = "us-east-1"
"""What servers expect that know no regions."""

_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
"""What some server takes: Amazon's own rules are narrower."""
_HOST_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Amazon's names without dots: its certificates cover one more label of a host, not two."""
_REGION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket.

    endpoint    scheme, host and port if it is not the scheme's: `https://s3.example.com`
    path_style  the bucket is the first part of the path, and not of the host's name
    """

    endpoint: str
    bucket: str
    region: str
    path_style: bool

    @property
    def sealed(self) -> bool:
        """Whether it is reached over TLS."""
        return self.endpoint.startswith("https:")

    @property
    def host(self) -> str:
        """The Host header of requests."""
        host = self.endpoint.partition("://")[2]
        return host if self.path_style else f"{self.bucket}.{host}"

    @property
    def root(self) -> str:
        """The URL before the path of a request."""
        return f"{self.endpoint.partition('://')[0]}://{self.host}"

    def path(self, key: str = "") -> str:
        """The path of an object, not encoded; of the bucket for ""."""
        if not self.path_style:
            return f"/{key}"
        return f"/{self.bucket}/{key}" if key else f"/{self.bucket}"

    def __str__(self) -> str:
        if self.path_style and not self.endpoint.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return f"s3+{self.endpoint}/{self.bucket}"
        return f"s3://{self.bucket}"


def parsed_address(text: str, region: str = "") -> tuple[S3Address, str]:
    """The bucket of a URL, and the folder in it ("" for all of it). Errors never quote `text`.

    Raises:
        ValueError: it is not such a URL.
    """
    scheme, _, rest = text.strip().partition("://")
    if not rest or has_controls(rest) or " " in rest:
        raise ValueError(f"is not the address of a bucket: {FORMS}")
    if "@" in rest.partition("/")[0]:
        raise ValueError("contains a user or password; they belong in username and password")
    if "?" in rest or "#" in rest:
        raise ValueError("may not contain ? or #")
    first, _, path = rest.partition("/")
    match scheme.lower():
        case "s3":
            return aws(first, region), remote_path(path)
        case "s3+https" | "s3+http":
            bucket, _, folder = path.strip("/").partition("/")
            endpoint = f"{scheme.lower().removeprefix('s3+')}://{first}"
            return at_endpoint(endpoint, bucket, region), remote_path(folder)
        case _:
            raise ValueError(f"is not the address of a bucket: {FORMS}")


def aws(bucket: str, region: str) -> S3Address:
    """A bucket of Amazon.

    Raises:
        ValueError: a bucket or region of this form does not exist, or the region is "".
    """
    if not region:
        raise ValueError('needs a region, as in "region": "eu-central-1"')
    _checked(bucket, region)
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    by_host = _HOST_BUCKET.fullmatch(bucket) is not None
    return S3Address(f"https://s3.{region}.{domain}", bucket, region, not by_host)


def at_endpoint(endpoint: str, bucket: str, region: str = "") -> S3Address:
    """A bucket of another server.

    Args:
        endpoint: `https://host`, with a port or without one.
        bucket: its name.
        region: "" for what servers expect that know no regions.

    Raises:
        ValueError: one of them has another form.
    """
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not an address; its host or port is wrong") from None
    if parts.scheme not in ("https", "http") or parts.path:
        raise ValueError("must be https://host or http://host")
    if port == 0:
        raise ValueError("has port 0")
    host = host_name(host)
    host = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}[parts.scheme]
    _checked(bucket, region or DEFAULT_REGION)
    shown = host if port in (None, usual) else f"{host}:{port}"
    return S3Address(f"{parts.scheme}://{shown}", bucket, region or DEFAULT_REGION, path_style=True)


def _checked(bucket: str, region: str) -> None:
    if not bucket:
        raise ValueError(f"names no bucket: {FORMS}")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise ValueError("has a wrong bucket name: 3 or more letters, digits, dots and hyphens")
    if not _REGION.fullmatch(region):
        raise ValueError("has a wrong region, which is a word such as eu-central-1")
