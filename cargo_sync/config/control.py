"""The `control` object of a daemon's or a server's file: the ports for commands and the feed."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from cargo_sync.config import places
from cargo_sync.config.fields import LocalPath
from cargo_sync.config.shape import Shape, describe, wrong

LOOPBACK = "127.0.0.1"


HIGHEST_PORT = 65534
"""The highest port for commands: the feed uses the next one."""
_NO_PORT = -1


def _listen(value: Any) -> tuple[str, int]:
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {describe(value)}")
    text = value.strip()
    if text.isascii() and text.isdigit():
        text = f"{LOOPBACK}:{text}"
    host, port = places.listen_address(text, _NO_PORT)
    if port == _NO_PORT:
        raise ValueError("has no port")
    if port > HIGHEST_PORT:
        raise ValueError(f"the port must be at most {HIGHEST_PORT}: the feed uses the next one")
    return host, port


class ControlShape(Shape):
    """The form of the `control` object."""

    runtime_dir: LocalPath | None = Field(default=None, description="a folder on this machine")
    listen: Annotated[tuple[str, int], BeforeValidator(_listen)] | None = Field(
        default=None,
        description='an address and port such as "127.0.0.1:5556", or a port alone such as "5556"',
    )
    plain_loopback: bool = Field(default=False, description="true or false")

    @field_validator("plain_loopback")
    @classmethod
    def _plain_on_loopback_only(cls, plain: bool, info: ValidationInfo) -> bool:
        if not plain or "listen" not in info.data:
            return plain
        listen = info.data["listen"]
        if listen is None:
            raise wrong("opens a port without keys, but no port is given; add listen, or remove it")
        if not places.is_loopback(listen[0]):
            raise wrong(
                f"without keys everybody who reaches {listen[0]} could send commands; remove it "
                "(keys are made automatically), or listen on 127.0.0.1"
            )
        return plain


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Where a process takes commands.

    runtime_dir     the folder of the local sockets; None for the usual place
    port            commands over TCP, the feed on the next port; None for no TCP, 0 for a free pair
    host            an IP address of this machine, or localhost
    plain_loopback  whether the port takes some commands without keys, from this machine
    """

    runtime_dir: str | None = None
    port: int | None = None
    host: str = LOOPBACK
    plain_loopback: bool = False


def control_from(shape: ControlShape) -> ControlSettings:
    """The settings in a checked `control` object."""
    host, port = (LOOPBACK, None) if shape.listen is None else shape.listen
    return ControlSettings(shape.runtime_dir, port, host, shape.plain_loopback)
