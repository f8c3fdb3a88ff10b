"""`cargo_ctl key …`: keys for access over TCP."""

import contextlib
import os
from typing import Any

import click

from cargo_ctl import answers
from cargo_ctl.names import KEY
from cargo_ctl.reach import BAD_INPUT, FAILED, Reach, common_options, reaching
from cargo_ctl.render import keys
from cargo_sync.choice import OneOf


@click.group()
@common_options
def key(**_options: Any) -> None:
    """List, add and revoke the keys for access over TCP.

    \b
    Examples:
      cargo_ctl key list
      cargo_ctl key add laptop --role watch --out laptop.key
      cargo_ctl key revoke laptop
    """


@key.command("list")
@reaching
def list_(reach: Reach) -> None:
    """List all keys and their roles.

    \b
    Example:
      cargo_ctl key list
    """
    result = reach.call("key.list")
    reach.show(result, keys.key_list(result))


@key.command()
@click.argument("name")
@click.option(
    "--role",
    required=True,
    type=OneOf(["watch", "control"]),
    help="watch may only look; control may do everything.",
)
@click.option("--out", required=True, metavar="FILE", help="The key file to write. Keep it secret.")
@click.option(
    "--address",
    metavar="tcp://HOST:PORT",
    help="The address for the key file, if the default is wrong.",
)
@reaching
def add(reach: Reach, name: str, role: str, out: str, address: str | None) -> None:
    """Create a key and give it access. The secret half is only in FILE.

    Copy the file to the machine where it is used, and run there:
    cargo_ctl --connect FILE status

    \b
    Example:
      cargo_ctl key add laptop --role watch --out laptop.key
    """
    from cargo_sync.api.keys import ClientKey, write_key
    from cargo_sync.api.line import new_pair

    if address is not None and not address.startswith("tcp://"):
        raise click.BadParameter("write it like tcp://192.0.2.7:5556", param_hint="--address")
    public, secret = new_pair()
    descriptor = _new_file(reach, out)
    written = False
    try:
        result = reach.call("key.add", {"name": name, "public": public, "role": role})
        address = address or answers.text(result, "address")
        made = ClientKey(address, answers.text(result, "server"), public, secret, role, name)
        write_key(descriptor, made)
        written = True
    except OSError as error:
        reach.fail(
            FAILED,
            "os_error",
            f"{out} cannot be written: {error.strerror}",
            f"cargo_ctl key revoke {name}",
        )
    finally:
        os.close(descriptor)
        if not written:
            with contextlib.suppress(OSError):
                os.unlink(out)
    reach.show({**result, "file": out}, keys.added(name, role, made.address, out))


@key.command()
@click.argument("name", type=KEY)
@reaching
def revoke(reach: Reach, name: str) -> None:
    """Revoke a key. It stops working at once.

    \b
    Example:
      cargo_ctl key revoke laptop
    """
    result = reach.call("key.revoke", {"name": name})
    reach.show(result, keys.revoked(result))


def _new_file(reach: Reach, out: str) -> int:
    """A new file that only its owner can read; made first, because a key without a file is lost."""
    try:
        return os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        reach.fail(BAD_INPUT, "exists", f"{out} already exists", "choose another file")
    except OSError as error:
        reach.fail(BAD_INPUT, "os_error", f"{out} cannot be created: {error.strerror}")
