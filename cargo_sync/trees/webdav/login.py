"""Who asks, and which certificate is trusted."""

import ssl
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp


@dataclass(frozen=True, slots=True)
class WebDavLogin:
    """One user of one server.

    where        the server, for people
    username     "": nobody logs in
    password     gives the password when it is needed
    fingerprint  "sha256:…" of the expected certificate; with it, CAs are not used
    ca_file      CAs to trust instead of the system's, or ""
    """

    where: str
    username: str
    password: Callable[[], str] = field(repr=False)
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

    def basic(self) -> dict[str, str]:
        """The header of a login with Basic."""
        if not self.username:
            return {}
        pair = f"{self.username}:{self.password()}".encode()
        return {"Authorization": f"Basic {b64encode(pair).decode()}"}
