"""The links, and the commands that make them with `tc netem`. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NEAR_HOST: Final = "10.99.0.1"
FAR_HOST: Final = "10.99.0.2"
MTU: Final = 1500
QUEUE: Final = 0.1
"""Seconds that the queue in front of the link holds."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two places.

    mbit   what it carries, Mbit/s
    delay  one way, milliseconds
    loss   percent of the packets, each way
    """

    mbit: int
    delay: int
    loss: float

    @property
    def name(self) -> str:
        return f"link-{self.mbit}-{2 * self.delay}-{self.loss:g}"

    @property
    def words(self) -> str:
        return f"{self.mbit} Mbit/s, round trip {2 * self.delay} ms, {self.loss:g}% lost"

    def share(self, mb_per_s: float) -> float:
        """What a rate in 1,000,000 bytes a second is of what the link carries, in percent."""
        return 100 * 8 * mb_per_s / self.mbit


_ALL: Final = (Link(200, 50, 0.1), Link(200, 50, 1), Link(200, 50, 5), Link(50, 150, 2))
LINKS: Final[Mapping[str, Link]] = {one.name: one for one in _ALL}


def namespaces(near: str, far: str) -> list[Sequence[str]]:
    """Commands that make two namespaces with a device each, which are connected."""
    made: list[Sequence[str]] = [("ip", "netns", "add", name) for name in (near, far)]
    made.append(
        ("ip", "-n", near, "link", "add", "wan0", "type", "veth", "peer", "wan0", "netns", far)
    )
    for name, own, other in ((near, NEAR_HOST, FAR_HOST), (far, FAR_HOST, NEAR_HOST)):
        made += [
            ("ip", "-n", name, "link", "set", "lo", "up"),
            ("ip", "-n", name, "addr", "add", own, "peer", other, "dev", "wan0"),
            ("ip", "-n", name, "link", "set", "wan0", "up"),
        ]
    return made


def shaped(link: Link, name: str) -> Sequence[str]:
    """The command that makes the device of a namespace send over the link."""
    held = link.mbit * 1e6 / 8 * (QUEUE + link.delay / 1000) / MTU
    return (
        *("ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "wan0", "root", "netem"),
        *("delay", f"{link.delay}ms", "loss", f"{link.loss:g}%"),
        *("rate", f"{link.mbit}mbit", "limit", str(round(held))),
    )


def congestion(name: str, own: str, other: str, control: str) -> Sequence[str]:
    """The command that sets the congestion control of what a namespace sends."""
    route = ("route", "change", other, "dev", "wan0", "src", own)
    return ("ip", "-n", name, *route, "congctl", control)


def emulated(script: str, link: Link, server: str, client: str) -> Sequence[str]:
    """The command that runs a server and a client across the emulator `script`."""
    return (
        *(script, "-d", str(link.delay), "-r", str(link.mbit), "-l", f"{link.loss:g}"),
        *("--", server, client),
    )
