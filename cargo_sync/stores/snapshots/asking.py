"""A node is asked for its snapshots by a machine that has only the recovery key. All of it blocks.

Its certificate is not known, or only later (`pin`). It need not be: what a node gives is opened
with the recovery key, and what is signed for one certificate is of no use for another one.
"""

import hashlib
import http.client
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Final, NamedTuple, Protocol

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.machines.nodes.snapshots import MadeSnapshot
from cargo_sync.model.documents import parsed
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.snapshots.door import signed_words
from cargo_sync.stores.snapshots.sealing import Stream

CONNECT: Final = 5.0
SECONDS: Final = 20.0
"""Seconds for an answer, and for each piece of it."""
TRIES: Final = 3
"""How often a snapshot that was cut is asked for again, from where it was cut."""
_ANSWER: Final = 64 * 1024
_VALUES: Final = 4_096
_INT64: Final = 2**63


class OfferedSnapshot(NamedTuple):
    """A snapshot that a node says it has."""

    snapshot: MadeSnapshot
    size: int


class AskedNode(Protocol):
    """A node that can be asked. Every call may raise ProblemError.

    name  of the node, for people: its address
    """

    @property
    def name(self) -> str: ...

    def snapshots(self) -> Sequence[OfferedSnapshot]:
        """The snapshots of the recovery key that it has, in any order."""

    def open(self, one: OfferedSnapshot) -> Stream:
        """The bytes of a snapshot."""


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class _Challenge(_Reply):
    challenge: str = Field(pattern=r"^[0-9a-f]{32}$")


class _Offered(_Reply):
    number: Annotated[int, Field(ge=0, lt=_INT64)]
    made: float
    size: Annotated[int, Field(ge=1, lt=_INT64)]


class _Entered(_Reply):
    given: str = Field(alias="pass", pattern=r"^[0-9a-f]{32}$")
    snapshots: list[_Offered]


class HttpsNode:
    """A node at an address."""

    def __init__(self, host: str, port: int, key: RecoveryKey, pin: str = "") -> None:
        """Connects to nothing yet.

        Args:
            host: its name or IP address.
            port: of its API.
            key: proves who asks.
            pin: SHA-256 of its certificate, if it is known: 64 hex digits.
        """
        self._host = host
        self._port = port
        self._key = key
        self._pin = pin.removeprefix("sha256:")
        self._pass = ""

    @property
    def name(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    def snapshots(self) -> Sequence[OfferedSnapshot]:
        with self._connected() as (line, fingerprint):
            asked = _Challenge.model_validate(self._call(line, "challenge", {}))
            words = signed_words(fingerprint, asked.challenge)
            proof = {
                "challenge": asked.challenge,
                "verifier": self._key.verifier.hex(),
                "signature": self._key.sign(words).hex(),
            }
            entered = _Entered.model_validate(self._call(line, "snapshots", proof))
        self._pass = entered.given
        return [
            OfferedSnapshot(MadeSnapshot(one.number, one.made), one.size)
            for one in entered.snapshots
        ]

    def open(self, one: OfferedSnapshot) -> Stream:
        return _Bytes(self, one)

    def bytes_from(self, number: int, start: int) -> tuple[http.client.HTTPSConnection, Stream]:
        """A connection, and over it a snapshot from the byte `start` on. Raises ProblemError."""
        with self.translated():
            line, _ = self._line()
            try:
                headers = {"Authorization": f"Bearer {self._pass}", "Accept-Encoding": "identity"}
                path = f"/n1/recovery/snapshots/{number}?start={start}"
                line.request("GET", path, headers=headers)
                response = line.getresponse()
                if response.status != 200:
                    raise self._refusal(response.status, response.read(_ANSWER))
            except BaseException:
                line.close()
                raise
        return line, response

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raises ProblemError for what goes wrong on the network, or in an answer."""
        try:
            yield
        except ValidationError as error:
            raise self._problem(Code.BAD_ANSWER, "its answer is not that of a node") from error
        except TimeoutError as error:
            raise self._problem(Code.TIMEOUT, "it does not answer") from error
        except ssl.SSLError as error:
            raise self._problem(Code.TLS, "it does not use TLS: is it a node's port?") from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "it was cut"
            raise self._problem(Code.UNREACHABLE, f"it cannot be reached: {why}") from error
        except ValueError as error:
            raise self._problem(Code.BAD_ANSWER, "its answer is not that of a node") from error

    def _call(self, line: http.client.HTTPSConnection, path: str, body: object) -> object:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        line.request("POST", f"/n1/recovery/{path}", orjson.dumps(body), headers)
        response = line.getresponse()
        content = response.read(_ANSWER + 1)
        if response.status != 200:
            raise self._refusal(response.status, content)
        if len(content) > _ANSWER:
            raise self._problem(Code.BAD_ANSWER, "its answer is too large")
        return parsed(content, _VALUES)

    @contextmanager
    def _connected(self) -> Iterator[tuple[http.client.HTTPSConnection, str]]:
        with self.translated():
            line, fingerprint = self._line()
            try:
                yield line, fingerprint
            finally:
                line.close()

    def _line(self) -> tuple[http.client.HTTPSConnection, str]:
        """A connection, and the fingerprint of the certificate at its other end."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        line = http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT, context=context)
        line.connect()
        line.sock.settimeout(SECONDS)
        shown = line.sock.getpeercert(binary_form=True) or b""
        fingerprint = hashlib.sha256(shown).hexdigest()
        if self._pin and fingerprint != self._pin:
            line.close()
            raise self._problem(Code.CERTIFICATE, "it shows another certificate than it had")
        return line, fingerprint

    def _refusal(self, status: int, content: bytes) -> ProblemError:
        if status == 401:
            words = "it has no snapshot for this recovery key"
            return self._problem(Code.UNAUTHORIZED, words)
        words = f"it answered {status}"
        with suppress(ValueError):
            found = parsed(content[:_ANSWER], _VALUES)
            if isinstance(found, Mapping) and isinstance(found.get("error"), Mapping):
                words = f"it says: {str(found['error'].get('message', ''))[:200]}"
        return self._problem(Code.REFUSED, words)

    def _problem(self, code: Code, why: str) -> ProblemError:
        return ProblemError(Problem(code, f"the node {self.name}: {why}"))


class _Bytes:
    """The bytes of a snapshot, also after cuts. See `Stream`."""

    def __init__(self, node: HttpsNode, one: OfferedSnapshot) -> None:
        self._node = node
        self._one = one
        self._at = 0
        self._open: tuple[http.client.HTTPSConnection, Stream] | None = None

    def read(self, size: int, /) -> bytes:
        left = TRIES
        while self._at < self._one.size:
            try:
                if self._open is None:
                    self._open = self._node.bytes_from(self._one.snapshot.number, self._at)
                with self._node.translated():
                    if some := self._open[1].read(min(size, self._one.size - self._at)):
                        self._at += len(some)
                        return some
                    raise http.client.IncompleteRead(b"")
            except ProblemError:
                self._close()
                left -= 1
                if not left:
                    raise
        self._close()
        return b""

    def _close(self) -> None:
        if self._open is not None:
            self._open[0].close()
            self._open = None
