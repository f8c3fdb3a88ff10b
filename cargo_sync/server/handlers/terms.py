"""Quotas, expiry and networks as commands give them: texts, with "none" for no limit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.api.server_commands import UserTerms
from cargo_sync.config import places
from cargo_sync.config.errors import quoted
from cargo_sync.config.expiry import EXPIRY_FORM, parse_expiry
from cargo_sync.config.units import SIZE_FORM, parse_size

NONE: Final = "none"
_DIGITS: Final = 15

T = TypeVar("T")


def quota(cmd: str, size: str | None, files: str | None) -> Mapping[str, int | None]:
    """The limits of a quota that were given, by their names in settings.

    Raises:
        ControlError: `bad_argument`.
    """
    given: dict[str, int | None] = {}
    if size is not None:
        given["quota_bytes"] = _limit(cmd, "quota", size, parse_size, SIZE_FORM)
    if files is not None:
        given["quota_files"] = _limit(cmd, "files", files, _whole, "a whole number")
    return given


def terms(cmd: str, args: UserTerms) -> Mapping[str, object]:
    """The quota, expiry and networks that were given for a user, by their names in settings.

    Raises:
        ControlError: `bad_argument`.
    """
    given: dict[str, object] = dict(quota(cmd, args.quota, args.files))
    if args.expires is not None:
        given["expires"] = _limit(cmd, "expires", args.expires, parse_expiry, EXPIRY_FORM)
    if args.networks is not None:
        given["networks"] = _networks(cmd, args.networks)
    return given


def _networks(cmd: str, some: Sequence[str]) -> tuple[str, ...]:
    if [one.strip().lower() for one in some] == [NONE]:
        return ()
    form = "IP addresses or networks such as 10.0.0.0/8"
    if not some:
        raise _bad(cmd, "networks", "names no network", form)
    found = [_limit(cmd, "networks", one, places.network, form) for one in some]
    if None in found:
        raise _bad(cmd, "networks", '"none" stands alone', form)
    return tuple(one for one in found if one is not None)


def _limit(cmd: str, argument: str, text: str, parse: Callable[[str], T], form: str) -> T | None:
    if text.strip().lower() == NONE:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise _bad(cmd, argument, str(error), form) from error


def _whole(text: str) -> int:
    digits = text.strip().replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS):
        raise ValueError(f"{quoted(text)} is not a number of files")
    return int(digits)


def _bad(cmd: str, argument: str, why: str, form: str) -> ControlError:
    return ControlError(
        ReplyCode.BAD_ARGUMENT,
        f'`{cmd}`: "{argument}": {why}',
        f'{form}, or "{NONE}" for no limit',
    )
