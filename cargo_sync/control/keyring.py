"""The keys of a process: its own pair, those of its clients, and one for this user's front ends.

<folder>/own.json       the pair of the process
<folder>/admitted.json  names, public keys and roles of the clients; no secret
<folder>/local.key      a key file (`api.keys`) with the role control, which front ends of this user
                        find by themselves; its address is that of the process, "" if it is not
                        running
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import orjson
import zmq

from cargo_sync.api.keys import ClientKey, KeyFileError, is_key, is_key_name, key_text, read_key
from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.api.roles import Role
from cargo_sync.control.private import (
    EndpointError,
    close_to_others,
    make_private,
    read_private,
    write_private,
)
from cargo_sync.suggest import did_you_mean

OWN, ADMITTED, LOCAL = "own.json", "admitted.json", "local.key"
LOCAL_NAME: Final = "local"
MOST: Final = 1_000
"""Keys of clients."""
_HINT = "set XDG_CONFIG_HOME to a folder of yours"


@dataclass(frozen=True, slots=True)
class Pair:
    """A CURVE pair in Z85. Its `repr` hides the secret key."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"Pair({self.public!r}, ***)"


@dataclass(frozen=True, slots=True)
class Admitted:
    """The key of a client; `made` is in unix seconds."""

    name: str
    public: str
    role: Role
    made: float


def new_pair() -> Pair:
    """Makes a new pair."""
    public, secret = zmq.curve_keypair()
    return Pair(public.decode(), secret.decode())


class Keyring:
    """The keys in one folder. At the first start it makes the folder and the keys.

    Args:
        folder: see `api.addresses.keys_dir`; folders above it are made too.
        now: gives unix seconds.

    Raises:
        EndpointError: the folder or a file in it is not safe, cannot be used or is damaged.
    """

    def __init__(self, folder: str, now: Callable[[], float]) -> None:
        self.folder = folder
        self._now = now
        self._make_folders()
        try:
            self.own = self._own()
            self._admitted = {each.public: each for each in self._stored()}
            self._local = self._local_key()
        except OSError as error:
            raise EndpointError(f"keys cannot be written to {folder}: {error.strerror}") from error

    def of(self, public: str) -> Admitted | None:
        """The client with this public key; None if there is none."""
        return self._admitted.get(public)

    def all(self) -> Sequence[Admitted]:
        """The keys of all clients, by name."""
        return sorted(self._admitted.values(), key=lambda each: each.name)

    def add(self, name: str, public: str, role: str) -> Admitted:
        """Adds the key of a client; it is stored when this returns.

        Raises:
            ControlError: bad_argument, key_exists.
            OSError: it cannot be stored, and is not added.
        """
        if not is_key_name(name):
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                "a key's name has up to 64 letters, digits and any of _ . @ -",
            )
        if not is_key(public):
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, "a public key has 40 characters of Z85; this is none"
            )
        if role not in (Role.WATCH, Role.CONTROL):
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, f'there is no role "{role[:64]}"', "watch or control"
            )
        for each in self._admitted.values():
            if each.name == name or each.public == public:
                raise ControlError(
                    ReplyCode.KEY_EXISTS,
                    f'the key "{each.name}" exists already',
                    "revoke it first",
                )
        if len(self._admitted) >= MOST:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, f"there are {MOST} keys already", "revoke some first"
            )
        key = Admitted(name, public, Role(role), self._now())
        self._keep({**self._admitted, public: key})
        return key

    def revoke(self, name: str) -> Admitted:
        """Revokes the key of a client; that is stored when this returns.

        Raises:
            ControlError: unknown_key.
            OSError: it cannot be stored, and the key stays.
        """
        key = next((each for each in self._admitted.values() if each.name == name), None)
        if key is None:
            names = [each.name for each in self._admitted.values()]
            hint = did_you_mean(name, names) or "`cargo_ctl key list` lists all keys"
            raise ControlError(ReplyCode.UNKNOWN_KEY, f'there is no key "{name[:64]}"', hint)
        self._keep(
            {public: each for public, each in self._admitted.items() if public != key.public}
        )
        return key

    def announce(self, address: str) -> None:
        """Stores the process's address for this user's own front ends; "" when the process ends.

        Raises:
            EndpointError: it cannot be written.
        """
        self._local = replace(self._local, address=address)
        try:
            write_private(self._path(LOCAL), key_text(self._local))
        except OSError as error:
            raise EndpointError(
                f"{self._path(LOCAL)} cannot be written: {error.strerror}"
            ) from error

    # -- files -------------------------------------------------------------------------------------

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def _make_folders(self) -> None:
        above = os.path.dirname(self.folder)
        try:
            os.makedirs(os.path.dirname(above), 0o700, exist_ok=True)
        except OSError as error:
            raise EndpointError(f"{above} cannot be made: {error.strerror}; {_HINT}") from error
        for folder in (above, self.folder):
            make_private(folder, _HINT)
        close_to_others(self.folder)

    def _own(self) -> Pair:
        raw = read_private(self._path(OWN))
        if raw is None:
            pair = new_pair()
            write_private(
                self._path(OWN), orjson.dumps({"public": pair.public, "secret": pair.secret})
            )
            return pair
        fields = self._parsed(OWN, raw)
        if not isinstance(fields, dict) or not (
            is_key(fields.get("public")) and is_key(fields.get("secret"))
        ):
            raise self._damaged(OWN)
        return Pair(fields["public"], fields["secret"])

    def _stored(self) -> list[Admitted]:
        raw = read_private(self._path(ADMITTED))
        if raw is None:
            return []
        rows = self._parsed(ADMITTED, raw)
        try:
            keys = [
                Admitted(row["name"], row["public"], Role(row["role"]), row["made"]) for row in rows
            ]
        except (KeyError, TypeError, ValueError):
            raise self._damaged(ADMITTED) from None
        if not all(is_key_name(key.name) and is_key(key.public) for key in keys):
            raise self._damaged(ADMITTED)
        return keys

    def _local_key(self) -> ClientKey:
        """This user's own key. If its file is gone, it makes a new key and revokes the old one."""
        path = self._path(LOCAL)
        if os.path.lexists(path):
            try:
                return replace(read_key(path), server=self.own.public)
            except KeyFileError as error:
                raise EndpointError(str(error)) from error
        pair = new_pair()
        kept = {public: each for public, each in self._admitted.items() if each.name != LOCAL_NAME}
        self._keep(
            {**kept, pair.public: Admitted(LOCAL_NAME, pair.public, Role.CONTROL, self._now())}
        )
        key = ClientKey("", self.own.public, pair.public, pair.secret, Role.CONTROL, LOCAL_NAME)
        write_private(path, key_text(key))
        return key

    def _keep(self, admitted: dict[str, Admitted]) -> None:
        write_private(
            self._path(ADMITTED), orjson.dumps([asdict(each) for each in admitted.values()])
        )
        self._admitted = admitted

    def _parsed(self, name: str, raw: bytes) -> Any:
        try:
            return orjson.loads(raw)
        except ValueError:
            raise self._damaged(name) from None

    def _damaged(self, name: str) -> EndpointError:
        return EndpointError(
            f"{self._path(name)} is damaged: restore it, or move it away and start again, "
            "which makes a new one"
        )
