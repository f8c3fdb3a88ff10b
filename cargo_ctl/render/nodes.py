"""Storage nodes as text."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.keys import moment
from cargo_ctl.render.words import escaped


def invitation_line(result: Mapping[str, Any]) -> str:
    """`node.invite`: the invitation itself."""
    return escaped(result["invitation"])


def about_invitation(result: Mapping[str, Any]) -> str:
    """`node.invite`: what the line on standard output is."""
    return (
        f"An invitation for the storage node {escaped(result['node'])} in the zone "
        f"{escaped(result['zone'])}, for one use until {moment(result['ends'])}. "
        "On its machine: cargo_sync init node"
    )
