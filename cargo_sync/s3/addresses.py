"""Where a bucket is asked for: its endpoint, its region, and how requests name it."""

import re
from dataclasses import dataclass
from typing import Final

from cargo_sync.config.remote_address import RemoteAddress, RemoteKind

DEFAULT_REGION: Final = "us-east-1"
"""What servers expect that know no regions."""

_HOST_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Amazon's names without dots: its certificates cover one more label of a host, not two."""


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket.

    endpoint    scheme, host and port if it is not the scheme's: `https://s3.example.com`
    path_style  the bucket is the first part of the path, and not of the host's name
    """

    endpoint: str
    bucket: str
    region: str = DEFAULT_REGION
    path_style: bool = True

    @classmethod
    def of(cls, remote: RemoteAddress, region: str | None) -> "S3Address":
        """The bucket that the address of a job names; the folder in it is not part of it.

        The settings of a job have a region if its bucket is Amazon's (`config/remote_kinds.py`).
        """
        assert remote.kind is RemoteKind.S3
        region = region or DEFAULT_REGION
        if remote.host:
            return cls(remote.origin, remote.bucket, region)
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        by_host = _HOST_BUCKET.fullmatch(remote.bucket) is not None
        return cls(f"https://s3.{region}.{domain}", remote.bucket, region, not by_host)

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
