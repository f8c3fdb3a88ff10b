"""Who may ask a node for snapshots, and how that is proved: by a signature of the recovery key.

A machine that lost everything has no bearer. It asks for a challenge, and signs it together with
the fingerprint of the certificate that it sees: so what it signs for one node is of no use at
another one. The public key by which this is checked came with each snapshot, from the server that
made it. Then it has a pass for a while, for the snapshots of this public key and no others.

What strangers may cost is bounded: challenges are few, of one address fewer, and end soon.
"""

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError

CHALLENGES: Final = 64
PER_ADDRESS: Final = 4
CHALLENGE_SECONDS: Final = 30.0
PASSES: Final = 4
PASS_SECONDS: Final = 3_600.0
_USE: Final = b"cargo recovery: asks a node\0"


def signed_words(fingerprint: str, challenge: str) -> bytes:
    """What is signed.

    Args:
        fingerprint: SHA-256 of the node's certificate, as its client sees it: 64 hex digits.
        challenge: 32 hex digits.
    """
    return _USE + bytes.fromhex(fingerprint) + bytes.fromhex(challenge)


class Proof(NamedTuple):
    """An answer to a challenge: a public key, and a signature by its other half."""

    challenge: str
    verifier: bytes
    signature: bytes


class _Challenge(NamedTuple):
    address: str
    at: float


class _Pass(NamedTuple):
    verifier: bytes
    at: float


class SnapshotDoor:
    """The challenges and passes of one node. Its calls are made in the event loop."""

    def __init__(
        self, fingerprint: Callable[[], str], token: Callable[[], str], steady: Callable[[], float]
    ) -> None:
        """`fingerprint` is that of the certificate that is served now, 64 hex digits."""
        self._fingerprint = fingerprint
        self._token = token
        self._steady = steady
        self._challenges: dict[str, _Challenge] = {}
        self._passes: dict[str, _Pass] = {}

    def challenge(self, address: str) -> str:
        """A new challenge for a client at an address.

        Raises:
            LaterError: `throttled`: this address has too many.
        """
        now = self._steady()
        late = now - CHALLENGE_SECONDS
        self._challenges = {id: one for id, one in self._challenges.items() if one.at > late}
        own = [one.at for one in self._challenges.values() if one.address == address]
        if len(own) >= PER_ADDRESS:
            words = f"{PER_ADDRESS} challenges for {address} were not answered"
            raise LaterError(Problem(Code.THROTTLED, words), max(1.0, min(own) - late))
        if len(self._challenges) >= CHALLENGES:
            del self._challenges[next(iter(self._challenges))]
        made = self._token()
        self._challenges[made] = _Challenge(address, now)
        return made

    def enter(self, proof: Proof, known: Collection[bytes]) -> str:
        """A pass for who has answered a challenge; no challenge can be answered twice.

        Args:
            proof: the answer.
            known: the public keys that there are snapshots for.

        Raises:
            ProblemError: `unauthorized`.
        """
        asked, now = self._challenges.pop(proof.challenge, None), self._steady()
        if asked is None or asked.at <= now - CHALLENGE_SECONDS or proof.verifier not in known:
            raise _refused()
        words = signed_words(self._fingerprint(), proof.challenge)
        try:
            Ed25519PublicKey.from_public_bytes(proof.verifier).verify(proof.signature, words)
        except (InvalidSignature, ValueError) as error:
            raise _refused() from error
        if len(self._passes) >= PASSES:
            del self._passes[next(iter(self._passes))]
        made = self._token()
        self._passes[made] = _Pass(proof.verifier, now)
        return made

    def verifier(self, given: str) -> bytes:
        """The public key that a pass is for. Raises ProblemError: `unauthorized`."""
        found = self._passes.get(given)
        if found is None or found.at <= self._steady() - PASS_SECONDS:
            raise _refused()
        return found.verifier


def _refused() -> ProblemError:
    return ProblemError(Problem(Code.UNAUTHORIZED, "", retry=False))
