"""What a folder on somebody else's server is built from, for a job and for a session.

A job's settings have all of it (`config.job.JobSettings`); a person in a session says the same in
another way (`VisitLogin`).
"""

from dataclasses import dataclass
from typing import Protocol

from cargo_sync.config.options import NO_OPTIONS, CloudOptions
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.config.secret import Secret


class RemoteLogin(Protocol):
    """A server, a folder there, and how one logs in; the fields are those of `JobSettings`."""

    @property
    def remote(self) -> RemoteAddress: ...
    @property
    def remote_dir(self) -> str: ...
    @property
    def workspace(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def password(self) -> Secret: ...
    @property
    def tls_fingerprint(self) -> str | None: ...
    @property
    def ca_file(self) -> str | None: ...
    @property
    def key_file(self) -> str | None: ...
    @property
    def key_passphrase(self) -> Secret | None: ...
    @property
    def agent(self) -> bool: ...
    @property
    def host_key(self) -> str | None: ...
    @property
    def known_hosts(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def options(self) -> CloudOptions: ...


@dataclass(frozen=True, slots=True)
class VisitLogin:
    """What a person says in a session; see `RemoteLogin`."""

    remote: RemoteAddress
    username: str
    password: Secret
    remote_dir: str = ""
    workspace: str = "default"
    tls_fingerprint: str | None = None
    ca_file: str | None = None
    key_file: str | None = None
    key_passphrase: Secret | None = None
    agent: bool = False
    host_key: str | None = None
    known_hosts: str | None = None
    region: str | None = None
    options: CloudOptions = NO_OPTIONS
