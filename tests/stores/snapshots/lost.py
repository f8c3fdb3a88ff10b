"""A server that will be lost, its snapshots, and nodes that can be asked for them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.machines.nodes.snapshots import numbered
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.accounts import Accounts
from cargo_sync.state.nodes import NodeRows
from cargo_sync.state.recovery import RecoveryRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.snapshots.asking import OfferedSnapshot
from cargo_sync.stores.snapshots.making import SealedSnapshot, ServerPlaces, SnapshotMaker
from cargo_sync.stores.snapshots.restoring import NewMachine, Restoring

KEY = RecoveryKey(b"k" * 16)
MADE = 1_700_000_000.0
NODES = ("a", "b", "c")


@dataclass
class ToldNode:
    """A node that says it has these snapshots. See `asking.AskedNode`."""

    name: str
    kept: dict[OfferedSnapshot, bytes] = field(default_factory=dict)
    is_away: bool = False

    def snapshots(self) -> Sequence[OfferedSnapshot]:
        if self.is_away:
            raise ProblemError(Problem(Code.UNREACHABLE, f"the node {self.name} is away"))
        return list(self.kept)

    def open(self, one: OfferedSnapshot) -> io.BytesIO:
        return io.BytesIO(self.kept[one])


class LostServer:
    """A server with a state, a file, a certificate and keys; and its three nodes."""

    def __init__(self, place: Path) -> None:
        self.place = place / "lost"
        self.nodes = {name: ToldNode(f"{name}:8445") for name in NODES}
        state, keys = self.place / "state", self.place / "keys"
        keys.mkdir(parents=True)
        self.file = self.place / "server.json"
        self.file.write_text('{"listen": "127.0.0.1:0", // mine\n}')
        (keys / "own.json").write_text("a CURVE pair")
        self.database = SqliteDatabase.open(str(state / "state.db"), "server")
        (state / "server.key").write_text("a key")
        (state / "server.crt").write_text("a certificate")
        self.rows = RecoveryRows(self.database)
        self.rows.set_key(KEY.sealing, KEY.verifier)
        for name in NODES:
            node = NodeRows(self.database).add(
                name, "", (name, 8445, 1), "f" * 64, f"secret {name}"
            )
            NodeRows(self.database).heard(node, "epoch", 5)
        self.maker = SnapshotMaker(
            ServerPlaces(str(self.file), str(state), str(keys)),
            lambda: MADE,
            lambda size: b"s" * size,
        )

    def name_user(self, name: str) -> None:
        Accounts(self.database).set(name, "a hash")

    def made(self) -> SealedSnapshot:
        row = self.rows.begin()
        assert row is not None
        return self.maker.make(row, self.rows.stamp(), lambda: True)

    def snapshot(self, *nodes: str) -> int:
        """A snapshot comes to these nodes; returns its number."""
        made = self.made()
        content = Path(made.path).read_bytes()
        for name in nodes:
            self.nodes[name].kept[OfferedSnapshot(made.snapshot, len(content))] = content
        return made.snapshot.number

    def offered(self, node: str, number: int) -> OfferedSnapshot:
        [found] = [one for one in self.nodes[node].kept if one.snapshot.number == number]
        return found


class Machine:
    """A new machine."""

    def __init__(self, place: Path, lost: LostServer, key: RecoveryKey = KEY) -> None:
        self.lost = lost
        self.key = key
        self.here = NewMachine(
            str(place / "server.json"), str(place / "state"), str(place / "keys")
        )
        self.dialled: list[str] = []

    def restoring(self) -> Restoring:
        return Restoring(self.key, self.here, self._dial)

    def users(self) -> set[str]:
        """The users of the state that came back."""
        with SqliteDatabase.open(f"{self.here.state_dir}/state.db", "server") as database:
            accounts = Accounts(database)
            return {name for name in ("ana", "ben", "eve") if accounts.get(name)}

    def _dial(self, host: str, port: int, pin: str) -> ToldNode:
        assert (port, pin) == (8445, "f" * 64)
        self.dialled.append(host)
        return self.lost.nodes[host]


FIRST = numbered(0, 1)
