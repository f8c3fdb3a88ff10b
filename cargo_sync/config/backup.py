"""The `backup` object of a server's file: the ports of the Servidor Backup protocol."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from cargo_sync.config import places
from cargo_sync.config.fields import ServedFolder
from cargo_sync.config.shape import Shape, describe, wrong

TEXT_PORT, FRAMED_PORT = 10_000, 10_001

ListenAddress = tuple[str, int]


def _address(port: int) -> BeforeValidator:
    def read(value: Any) -> ListenAddress:
        if not isinstance(value, str):
            raise ValueError(f"must be text in quotes, not {describe(value)}")
        return places.listen_address(value, port)

    return BeforeValidator(read)


class BackupShape(Shape):
    nicknames: ServedFolder | None = Field(None, description="a folder of this machine")
    listen: Annotated[ListenAddress, _address(TEXT_PORT)] | None = Field(
        None, description=f'an address and port such as "127.0.0.1:{TEXT_PORT}"'
    )
    framed: Annotated[ListenAddress, _address(FRAMED_PORT)] | None = Field(
        None,
        description=f'an address and port such as "0.0.0.0:{FRAMED_PORT}"',
        validate_default=True,
    )

    @field_validator("listen")
    @classmethod
    def _only_nicknames_come_in(
        cls, listen: ListenAddress | None, info: ValidationInfo
    ) -> ListenAddress | None:
        if listen is not None and info.data.get("nicknames", "") is None:
            raise wrong(
                "knows no passwords, so that only nicknames without one come in: give their folder as "
                '"nicknames", or open "framed" alone'
            )
        return listen

    @field_validator("framed")
    @classmethod
    def _one_at_least(
        cls, framed: ListenAddress | None, info: ValidationInfo
    ) -> ListenAddress | None:
        if framed is None and info.data.get("listen", "") is None:
            raise ValueError('is missing, and so is "listen": one of them is needed')
        return framed


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """Where the protocol is spoken.

    listen     address and port of the published program's text, which is never encrypted; None is
               nowhere
    framed     address and port of the one with frames, encrypted as the server's API is; None is
               nowhere
    nicknames  folder in which a nickname without a password gets one of its own; None: there are
               none
    """

    listen: ListenAddress | None = None
    framed: ListenAddress | None = None
    nicknames: str | None = None


def exposed(backup: BackupShape, plain: bool) -> list[str]:
    """Which of its fields open an unencrypted port to other machines."""
    ports = {"listen": backup.listen, "framed": backup.framed if plain else None}
    return [name for name, at in ports.items() if at is not None and not places.is_loopback(at[0])]
