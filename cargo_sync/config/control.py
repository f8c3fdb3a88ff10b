"""The `control` object of a daemon's or a server's file: where commands are taken and the feed is
given."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from cargo_sync.config import places
from cargo_sync.config.fields import LocalPath
from cargo_sync.config.shape import Shape, wrong

LOOPBACK = "127.0.0.1"


def _host(text: str) -> str:
    if text != "localhost" and not places.is_ip(text):
        raise ValueError(f'"{text}" is not an IP address')
    return text


class ControlShape(Shape):
    runtime_dir: LocalPath | None = Field(default=None, description="a folder of this machine")
    port: Annotated[int, Field(ge=0, le=65534)] | None = Field(
        default=None, description="a port, 0 to 65534"
    )
    host: Annotated[str, AfterValidator(_host)] = Field(
        default=LOOPBACK, description="an IP address of this machine, or localhost"
    )
    plain_loopback: bool = Field(default=False, description="true or false")

    @field_validator("host")
    @classmethod
    def _host_of_a_port(cls, host: str, info: ValidationInfo) -> str:
        if "port" in info.data and info.data["port"] is None:
            raise wrong(
                "says where the port is opened, but there is no port; add one, or leave it out"
            )
        return host

    @field_validator("plain_loopback")
    @classmethod
    def _plain_on_loopback_only(cls, plain: bool, info: ValidationInfo) -> bool:
        if plain and "port" in info.data and info.data["port"] is None:
            raise wrong("opens a port without keys, but there is no port; add one, or leave it out")
        if plain and not places.is_loopback(info.data.get("host", LOOPBACK)):
            raise wrong(
                f"without keys everybody who reaches {info.data['host']} could give orders; leave it out "
                "(keys are made by themselves), or leave host out"
            )
        return plain


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Where a process takes commands.

    runtime_dir     where the local sockets lie; None is the usual place
    port            commands over TCP, the feed on the next one; None is no TCP, 0 is a free pair
    host            an IP address of this machine, or localhost
    plain_loopback  the port takes a few commands without keys, from this machine
    """

    runtime_dir: str | None = None
    port: int | None = None
    host: str = LOOPBACK
    plain_loopback: bool = False


def control_from(shape: ControlShape) -> ControlSettings:
    return ControlSettings(shape.runtime_dir, shape.port, shape.host, shape.plain_loopback)
