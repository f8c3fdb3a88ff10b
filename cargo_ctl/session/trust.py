"""Whether a server is let in by its certificate: a decision, and the words for it.

A certificate that the system's authorities vouch for is good. Any other is known by its
fingerprint: shown and asked about once, on a terminal, and refused from then on if it changes.
"""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from cargo_sync.api.messages import JsonObject


class TrustVerdict(Enum):
    GO_ON = "go on"
    """Open, with this fingerprint; "" if none is needed."""
    ASK = "ask"
    """A person must say whether the fingerprint is right."""
    ASK_PLAIN = "ask plain"
    """A person must say whether it may go without encryption."""
    CHANGED = "changed"
    UNKNOWN = "unknown"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Trust:
    verdict: TrustVerdict
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class SeenServer:
    """Who answers at an address, as `session.look` told it.

    kind         "cargo", or what else it may be
    sealed       over TLS
    trusted      the authorities of the system vouch for its certificate
    fingerprint  SHA-256 of the certificate, "" without TLS
    message      who answers, in a sentence
    """

    url: str
    kind: str = ""
    sealed: bool = False
    trusted: bool = False
    fingerprint: str = ""
    message: str = ""


def seen_server(look: JsonObject, url: str) -> SeenServer:
    """The answer of `session.look` to `url`."""
    return SeenServer(
        str(look.get("url") or url),
        str(look.get("kind") or ""),
        look.get("sealed") is True,
        look.get("trusted") is True,
        str(look.get("fingerprint") or ""),
        str(look.get("message") or ""),
    )


def decide(
    look: SeenServer,
    known: str,
    *,
    given: str = "",
    ca_file: str = "",
    allow_plain: bool = False,
    terminal: bool = False,
) -> Trust:
    """What to do about a server.

    known     the fingerprint that was kept for it, "" for none
    given     --tls-fingerprint; it is held against the certificate when the session opens
    terminal  there is a person to ask
    """
    seen = look.fingerprint
    if given or ca_file:
        return Trust(TrustVerdict.GO_ON, given)
    if not look.sealed:
        if allow_plain or is_loopback(look.url):
            return Trust(TrustVerdict.GO_ON)
        return Trust(TrustVerdict.ASK_PLAIN if terminal else TrustVerdict.PLAIN)
    if look.trusted:
        return Trust(TrustVerdict.GO_ON)
    if known:
        return Trust(TrustVerdict.GO_ON if known == seen else TrustVerdict.CHANGED, seen)
    return Trust(TrustVerdict.ASK if terminal else TrustVerdict.UNKNOWN, seen)


def place_of(url: str) -> str:
    """`host:port` of an address, as `known_servers` names it."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{parts.port}" if parts.port else shown


def is_loopback(url: str) -> bool:
    host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    return host in ("localhost", "::1") or (
        host.startswith("127.") and host.replace(".", "").isdigit()
    )


def first_time(place: str, fingerprint: str) -> str:
    return (
        f"{place} shows a certificate that no authority vouches for, for the first time:\n"
        f"  sha256:{fingerprint}\n"
        "The server prints its own at start. Is it the same?"
    )


def changed(place: str, known: str, seen: str, file: str) -> tuple[str, str]:
    """Message and hint about a server that is not the one it was."""
    return (
        f"THE CERTIFICATE OF {place} HAS CHANGED: somebody may be listening, or the server has a new one.\n"
        f"  it was  sha256:{known}\n"
        f"  it is   sha256:{seen}\n"
        "No password was sent.",
        f"ask whoever runs the server; if the new one is right, remove the line of {place} from {file}",
    )


def unknown(place: str, fingerprint: str) -> tuple[str, str]:
    """Message and hint about a server of which nobody can be asked."""
    return (
        f"{place} shows a certificate that no authority vouches for, and there is nobody here to ask:\n"
        f"  sha256:{fingerprint}",
        f"if the server prints the same at start: --tls-fingerprint {fingerprint}; or --ca-file FILE",
    )


def plain(place: str) -> tuple[str, str]:
    """Message and hint about a server without encryption."""
    return (
        f"the way to {place} is not encrypted: the password and all files could be read on it",
        "use https://, or --allow-plain if the network is your own",
    )
