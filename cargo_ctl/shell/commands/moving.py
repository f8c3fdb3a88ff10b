"""Transfers: get, put, speed, transfers, cancel, wait."""

import os
import re
from dataclasses import replace

from cargo_ctl.render import session as words
from cargo_ctl.render.words import escaped
from cargo_ctl.render.words import speed as in_words
from cargo_ctl.shell.location import joined, name_of, shown
from cargo_ctl.shell.moving import TransferOrder, begin_beside, carry_out
from cargo_ctl.shell.parser import LineError
from cargo_ctl.shell.sides import Meant, local_meant, not_text, remote_meant
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_ctl.shell.verbs import Completes, Given, ShellVerb
from cargo_sync.api.client import CommandError

_NONE = ("none", "off", "unlimited", "0")
_FLAGS = (("r", "folders with everything in them"), ("f", "replace existing files without asking"))


def get(shell: Shell, given: Given) -> None:
    """Download files and folders."""
    sources, refused = _sources(shell, given, remote_meant(shell, given.options.words))
    folder, name = _local_target(shell, given, len(sources))
    orders = []
    for each in sources:
        local = os.path.join(folder, name or name_of(each.path))
        if why := not_text(local):
            raise CommandFailed(why, "rename it first", "bad_path")
        if not each.path and not name:
            raise CommandFailed(
                "that is the root of the workspace", "give it a name: get -r -o NAME /"
            )
        orders.append(TransferOrder("get", each.path, local, each.folder, given.flag("f")))
    _carry_out(shell, given, orders, refused)


def put(shell: Shell, given: Given) -> None:
    """Upload files and folders."""
    meant = local_meant(shell, given.options.words)
    checked = [replace(each, refused=not_text(each.path)) for each in meant]
    sources, refused = _sources(shell, given, checked)
    folder, name = _remote_target(shell, given, len(sources))
    orders = []
    for each in sources:
        remote = joined(folder, name or name_of(each.path))
        if remote == folder:
            raise CommandFailed(
                f"{each.path} has no name of its own", "give it one: put -r -o NAME /"
            )
        orders.append(TransferOrder("put", remote, each.path, each.folder, given.flag("f")))
    _carry_out(shell, given, orders, refused)


def speed(shell: Shell, given: Given) -> None:
    """Show or limit the speed of all transfers together."""
    typed = "".join(word.text for word in given.options.words).lower()
    if not typed:
        text = "no limit" if shell.speed is None else in_words(shell.speed)
        shell.output.show({"speed": shell.speed}, f"speed: {text}")
        return
    wanted = None if typed in _NONE else typed
    if wanted and not re.fullmatch(r"\d+(\.\d+)?[kmg]?bps", wanted):
        raise LineError(f"{typed} is not a speed; write for example 10mbps, 500kbps or none")
    result = shell.session.call("speed", {"speed": wanted})
    asked, granted = result.get("speed"), result.get("granted")
    shell.speed = _bits(asked if asked is not None else wanted)
    text = "no limit" if wanted is None else in_words(shell.speed or 0)
    if isinstance(granted, int | float) and granted and granted != shell.speed:
        text += f"; the server grants {in_words(granted)}"
    shell.output.show(result, f"speed: {text}")


def transfers(shell: Shell, _given: Given) -> None:
    """List the running and the ended transfers."""
    shell.transfers.listen(0)
    rows = list(shell.transfers.rows.values())
    numbers = {row.id: shell.number(row.id) for row in rows}
    numbered = [{"number": numbers[row.id], **row.fields} for row in rows]
    shell.output.show({"transfers": numbered}, words.rows([row.fields for row in rows], numbers))


def cancel(shell: Shell, given: Given) -> None:
    """Stop transfers in the background."""
    shell.transfers.listen(0)
    by_number = {str(number): id for id, number in shell.numbers.items()}
    typed = [word.text.strip("[]%") for word in given.options.words]
    chosen = [by_number[each] for each in typed if each in by_number]
    if len(chosen) < len(typed):
        unknown = next(each for each in typed if each not in by_number)
        raise CommandFailed(
            f"there is no transfer {unknown}", "transfers lists them", "bad_argument"
        )
    for id in chosen or list(shell.beside):
        try:
            shell.session.cancel(id)
        except CommandError as error:
            shell.output.fail(error.message, error.hint, error.code)
    shell.transfers.ask()  # they have ended: show it now, not after the next command


def wait(shell: Shell, _given: Given) -> None:
    """Wait for the transfers in the background."""
    from cargo_ctl.shell.moving import tell_ended

    failed = 0
    with shell.output.bars() as draw:
        while shell.beside:
            shell.transfers.listen(0.1)
            draw(shell.transfers.running, 0)
            failed += tell_ended(shell)
    if failed:
        raise CommandFailed()


def _sources(shell: Shell, given: Given, meant: list[Meant]) -> tuple[list[Meant], int]:
    """What to transfer, and how many names cannot be transferred, which are told one by one.

    Without -r, a named folder is an error; one that a pattern matched is skipped, with a note.
    """
    taken, refused = [], 0
    for each in meant:
        if each.refused:
            refused += 1
            shell.output.fail(each.refused, "rename it", "bad_path")
        elif not each.folder or given.flag("r"):
            taken.append(each)
        elif each.matched:
            shell.output.note(
                f"{escaped(name_of(each.path))} is a folder: skipped (-r includes it)"
            )
        else:
            raise CommandFailed(
                f"{each.path or '/'} is a folder", "-r includes everything in it", "is_a_folder"
            )
    if not taken:
        raise CommandFailed() if refused else CommandFailed("nothing to do", code="unknown")
    return taken, refused


def _local_target(shell: Shell, given: Given, number: int) -> tuple[str, str]:
    """The local folder for the files, and the new name; "" to keep the name."""
    word = given.options.values.get("o")
    if word is None:
        return shell.here.local, ""
    path = shell.here.local_path(word.text, home=not word.quoted)
    if os.path.isdir(path):
        return path, ""
    if number > 1 or word.text.endswith("/"):
        raise CommandFailed(f"there is no folder {path} here", code="not_a_folder")
    return os.path.split(path)


def _remote_target(shell: Shell, given: Given, number: int) -> tuple[str, str]:
    word = given.options.values.get("o")
    if word is None:
        return shell.here.remote, ""
    path = shell.here.remote_path(word.text)
    there = shell.session.stat(path)
    if there is not None and there.folder:
        return path, ""
    if number > 1 or word.text.endswith("/"):
        raise CommandFailed(
            f"there is no folder {shown(path)} on the server", "mkdir makes it", "not_a_folder"
        )
    folder, _, name = path.rpartition("/")
    return folder, name


def _carry_out(shell: Shell, given: Given, orders: list[TransferOrder], refused: int) -> None:
    if not given.beside:
        carry_out(shell, orders, refused)
        return
    begin_beside(shell, orders)
    if refused:
        raise CommandFailed()


def _bits(value: object) -> float | None:
    """A speed in bits per second, from the daemon's answer: a number, or text such as `10mbps`."""
    if isinstance(value, int | float):
        return float(value)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmg]?)bps", value) if isinstance(value, str) else None
    return float(found[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[found[2]] if found else None


_GET = "download files, several at a time"
_PUT = "upload files, several at a time"
_TO_HERE = (("o", "place", "another name or folder on your side"),)
_TO_THERE = (("o", "place", "another name or folder on the server"),)

VERBS = (
    ShellVerb(
        "get",
        "<file>",
        _GET,
        get,
        least=1,
        most=None,
        flags=_FLAGS,
        valued=_TO_HERE,
        examples=(
            "get a.mov",
            "get a.mov b.mov",
            "get *.mov",
            "get -r photos",
            "get -o new.txt old.txt",
            "get big.iso &",
        ),
        aliases=("mget", "recv"),
        completes=Completes.REMOTE,
        can_wait=True,
    ),
    ShellVerb(
        "put",
        "<file>",
        _PUT,
        put,
        least=1,
        most=None,
        flags=_FLAGS,
        valued=_TO_THERE,
        examples=("put a.mov", "put *.mov", "put -r ~/photos", "put -o docs/ a.txt"),
        aliases=("mput", "send"),
        completes=Completes.LOCAL,
        can_wait=True,
    ),
    ShellVerb(
        "speed",
        "<value mbps|kbps|bps>",
        "limit the speed of all transfers, also of running ones; none removes the limit",
        speed,
        most=2,
        examples=("speed 10mbps", "speed none"),
    ),
    ShellVerb("transfers", "", "list the running and the ended transfers", transfers),
    ShellVerb(
        "cancel",
        "[<number>]",
        "stop a transfer in the background; without a number, all",
        cancel,
        most=None,
        examples=("cancel 2",),
    ),
    ShellVerb("wait", "", "wait for the transfers in the background", wait),
)
