"""The `backup` object of a server's file: the ports of the Servidor Backup protocol."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from cargo_sync.config import places
from cargo_sync.config.fields import ServedFolder
from cargo_sync.config.shape import Shape, describe, wrong

TEXT_PORT, FRAMED_PORT, REGISTRATION_PORT = 10_000, 10_001, 9_999

ListenAddress = tuple[str, int]


def _address(port: int) -> BeforeValidator:
    def read(value: Any) -> ListenAddress:
        if not isinstance(value, str):
            raise ValueError(f"must be text in quotes, not {describe(value)}")
        return places.listen_address(value, port)

    return BeforeValidator(read)


class FileServersShape(Shape):
    """The form of the `file_servers` object."""

    listen: Annotated[ListenAddress, _address(REGISTRATION_PORT)] = Field(
        ("127.0.0.1", REGISTRATION_PORT),
        description=f'an address and port such as "127.0.0.1:{REGISTRATION_PORT}"',
    )
    allow: list[Annotated[str, AfterValidator(places.network)]] = Field(
        default_factory=list, max_length=100, description="IP addresses or networks"
    )


class BackupShape(Shape):
    """The form of the `backup` object."""

    nicknames: ServedFolder | None = Field(None, description="a folder on this machine")
    listen: Annotated[ListenAddress, _address(TEXT_PORT)] | None = Field(
        None, description=f'an address and port such as "127.0.0.1:{TEXT_PORT}"'
    )
    framed: Annotated[ListenAddress, _address(FRAMED_PORT)] | None = Field(
        None,
        description=f'an address and port such as "0.0.0.0:{FRAMED_PORT}"',
        validate_default=True,
    )

    file_servers: FileServersShape | None = Field(
        None, description="an object that lets file servers of the published program register"
    )

    @field_validator("listen")
    @classmethod
    def _only_nicknames_come_in(
        cls, listen: ListenAddress | None, info: ValidationInfo
    ) -> ListenAddress | None:
        if listen is not None and info.data.get("nicknames", "") is None:
            raise wrong(
                "has no passwords, so only nicknames without a password can use it: set their "
                'folder as "nicknames", or open only "framed"'
            )
        return listen

    @field_validator("file_servers")
    @classmethod
    def _copies_texts(
        cls, file_servers: FileServersShape | None, info: ValidationInfo
    ) -> FileServersShape | None:
        if file_servers is not None and info.data.get("listen", "") is None:
            raise ValueError('copies what comes at "listen", which is missing')
        return file_servers

    @field_validator("framed")
    @classmethod
    def _one_at_least(
        cls, framed: ListenAddress | None, info: ValidationInfo
    ) -> ListenAddress | None:
        if framed is None and info.data.get("listen", "") is None:
            raise ValueError('is missing, and so is "listen": at least one of them is needed')
        return framed


@dataclass(frozen=True, slots=True)
class FileServerSettings:
    """Where file servers of the published program register.

    allow  networks from which they may, beside this machine
    """

    listen: ListenAddress
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """The ports of the backup protocol; None for a port that is not open.

    listen     address and port of the published program's text form, which is never encrypted
    framed     address and port of the framed form, encrypted like the server's API
    nicknames  the folder for nicknames without a password, each with its own folder in it; None for
               no such nicknames
    file_servers  None: there are none
    """

    listen: ListenAddress | None = None
    framed: ListenAddress | None = None
    nicknames: str | None = None
    file_servers: FileServerSettings | None = None


def exposed(backup: BackupShape, plain: bool) -> list[str]:
    """The fields that open an unencrypted port to other machines, or send texts to them."""
    ports = {"listen": backup.listen, "framed": backup.framed if plain else None}
    names = [name for name, at in ports.items() if at is not None and not places.is_loopback(at[0])]
    servers = backup.file_servers
    if servers is not None and (servers.allow or not places.is_loopback(servers.listen[0])):
        names.append("file_servers")
    return names
