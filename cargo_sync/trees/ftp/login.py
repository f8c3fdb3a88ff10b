"""Who logs in, and which certificate is trusted."""

import hashlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from cargo_sync.model.problems import Code, Problem, ProblemError


class FtpContext(ssl.SSLContext):
    """The trust of one control connection and of its data connections.

    session  of the control connection, once it is there: a data connection resumes it, as some
             servers demand, so that nobody else can take the place of the client. asyncio has no
             argument for it
    """

    session: ssl.SSLSession | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return super().wrap_bio(
            incoming, outgoing, server_side, server_hostname, session or self.session
        )

    @classmethod
    def of(cls, *, pinned: bool, ca_file: str) -> Self:
        """A new context: of the system's CAs, those in a file, or for one pinned certificate.

        Raises:
            OSError: the file with the CAs cannot be read, or has none (ssl.SSLError).
        """
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if pinned:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif ca_file:
            context.load_verify_locations(ca_file)
        else:
            context.load_default_certs()
        return context


@dataclass(frozen=True, slots=True)
class FtpLogin:
    """One user of one server.

    tls          the connections are encrypted
    at_once      TLS begins before the first command (port 990), not after one
    password     gives the password when it is needed
    fingerprint  "sha256:…" of the expected certificate; with it, CAs are not used
    ca_file      CAs to trust instead of the system's, or ""
    """

    host: str
    port: int
    tls: bool
    at_once: bool
    username: str
    password: Callable[[], str] = field(repr=False)
    fingerprint: str = ""
    ca_file: str = ""

    @property
    def where(self) -> str:
        """The server, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def context(self) -> FtpContext | None:
        """The trust of a new connection; None without TLS.

        Raises:
            OSError: as `FtpContext.of`.
        """
        if not self.tls:
            return None
        return FtpContext.of(pinned=bool(self.fingerprint), ca_file=self.ca_file)

    def check(self, found: ssl.SSLObject | None) -> None:
        """Checks the certificate that a server shows, if one is pinned.

        Raises:
            ProblemError: CERTIFICATE.
        """
        if not self.fingerprint:
            return
        shown = found.getpeercert(binary_form=True) if found is not None else None
        seen = hashlib.sha256(shown or b"").hexdigest()
        if seen != self.fingerprint.lower().removeprefix("sha256:"):
            message = f"{self.where} shows another certificate than the trusted one: sha256:{seen}"
            hint = "if this is the server's new certificate, set tls_fingerprint in the job to it"
            raise ProblemError(Problem(Code.CERTIFICATE, message, hint=hint, retry=False))
