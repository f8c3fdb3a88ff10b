"""Who asks, of which bucket, and how the server's certificate is checked."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from cargo_sync.s3.addresses import S3Address
from cargo_sync.wire.sigv4 import AccessKey


@dataclass(frozen=True, slots=True)
class S3Login:
    """A bucket, and the key for it.

    access_key   asked for when it is needed, since it may change
    fingerprint  "sha256:…" of the expected certificate; with it, CAs are not used
    ca_file      CAs to trust instead of the system's, or ""
    """

    address: S3Address
    access_key: Callable[[], AccessKey] = field(repr=False)
    fingerprint: str = ""
    ca_file: str = ""

    def trust(self) -> ssl.SSLContext | aiohttp.Fingerprint | bool:
        """What aiohttp takes as `ssl`.

        Raises:
            OSError: the file with the CAs cannot be read, or has none (ssl.SSLError).
        """
        if self.fingerprint:
            return aiohttp.Fingerprint(bytes.fromhex(self.fingerprint.removeprefix("sha256:")))
        if self.ca_file:
            return ssl.create_default_context(cafile=self.ca_file)
        return True
