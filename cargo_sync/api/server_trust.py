"""Whether to trust a server's certificate: the decision, and the texts for it.

A certificate that an authority of this system has signed is trusted. For any other certificate the
user is asked once, at a terminal, and its fingerprint is kept. If it changes later, it is refused.
"""

from dataclasses import dataclass, replace
from enum import Enum
from urllib.parse import urlsplit

from cargo_sync.api.messages import JsonObject

_PORTS = {"sftp": 22, "ftps": 21}
"""Schemes that show another key or certificate than what speaks HTTP there, and their ports."""
_HTTPS = 443


class TrustVerdict(Enum):
    """What to do about a server's certificate."""

    GO_ON = "go on"
    """Open the session with this fingerprint; "" if none is needed."""
    ASK = "ask"
    """The user must say whether the fingerprint is right."""
    ASK_PLAIN = "ask plain"
    """The user must allow a connection without encryption."""
    CHANGED = "changed"
    UNKNOWN = "unknown"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Trust:
    """The decision, and the fingerprint that the server must have; "" for none."""

    verdict: TrustVerdict
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class SeenServer:
    """What answers at an address, from the result of `session.look`.

    kind         "cargo", or the kind of another server
    sealed       whether the connection uses TLS
    trusted      whether an authority of this system has signed the certificate
    fingerprint  SHA-256 of the certificate, or `SHA256:…` of the host key; "" without TLS
    message      what answers, in a sentence
    """

    url: str
    kind: str = ""
    sealed: bool = False
    trusted: bool = False
    fingerprint: str = ""
    message: str = ""


def seen_server(look: JsonObject, url: str) -> SeenServer:
    """The server in the answer of `session.look` for `url`."""
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
    given     --tls-fingerprint or --host-key; it is held against what the server shows when the
              session opens
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
    """`host:port` of an address, as in `known_servers`."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    if parts.scheme in _PORTS:
        return f"{parts.scheme}://{shown}:{parts.port or _PORTS[parts.scheme]}"
    port = parts.port or (_HTTPS if parts.scheme.endswith("+https") else None)
    return f"{shown}:{port}" if port else shown


def is_loopback(url: str) -> bool:
    """Whether a connection to `url` stays on this machine."""
    host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
    return host in ("localhost", "::1") or (
        host.startswith("127.") and host.replace(".", "").isdigit()
    )


@dataclass(frozen=True, slots=True)
class TrustQuestions:
    """What the user is asked about a server, in one language.

    `{place}` is its `host:port`, `{fingerprint}` that of its certificate.

    first_time  about a certificate that was not seen before
    plain       about a connection without encryption
    choice      what may be answered, after a question
    yes         answers that mean yes
    not_trusted, not_plain  what is said after another answer
    """

    first_time: str
    plain: str
    choice: str
    yes: tuple[str, ...]
    not_trusted: str
    not_plain: str


_PLAIN = "the connection to {place} is not encrypted: others could read the password and all files"
ENGLISH = TrustQuestions(
    "You connect to {place} for the first time. No known authority has signed its certificate:\n"
    "  sha256:{fingerprint}\n"
    "The server prints its fingerprint when it starts. Is it the same?",
    f"{_PLAIN[0].upper()}{_PLAIN[1:]}. Continue anyway?",
    "[y/N]",
    ("y", "yes"),
    "{place} is not trusted",
    "the connection to {place} is not encrypted",
)


ENGLISH_SSH = replace(
    ENGLISH,
    first_time="You connect to {place} for the first time, and known_hosts does not have its host "
    "key:\n  {fingerprint}\n"
    "Ask the person who runs the server, or look with ssh-keygen -l there. Is it the same?",
)
"""The questions about an SSH server."""
ENGLISH_OTHERS = replace(
    ENGLISH,
    first_time="You connect to {place} for the first time. No known authority has signed its "
    "certificate:\n"
    "  sha256:{fingerprint}\n"
    "Ask the person who runs the server for its SHA-256 fingerprint. Is it the same?",
)
"""The questions about the certificate of somebody else's server."""


def questions_about(server: SeenServer) -> TrustQuestions:
    """What is asked about this kind of server, in English."""
    return {"cargo": ENGLISH, "sftp": ENGLISH_SSH}.get(server.kind, ENGLISH_OTHERS)


def changed(place: str, known: str, seen: str, file: str) -> tuple[str, str]:
    """Message and hint about a server with another certificate or host key than before."""
    what = "host key" if is_host_key(seen) else "certificate"
    return (
        f"THE {what.upper()} OF {place} HAS CHANGED: "
        "somebody may be listening, or the server has a new one.\n"
        f"  it was  {_named(known)}\n"
        f"  it is   {_named(seen)}\n"
        "No password was sent.",
        "ask the person who runs the server; "
        f"if the new {what} is right, remove the line of {place} from {file}",
    )


def unknown(server: SeenServer) -> tuple[str, str]:
    """Message and hint about a new certificate if there is no user to ask."""
    place, fingerprint = place_of(server.url), server.fingerprint
    if is_host_key(fingerprint):
        return (
            f"known_hosts does not have the host key of {place}, and there is no terminal to ask:\n"
            f"  {fingerprint}",
            f"if the person who runs the server gives the same text, give --host-key {fingerprint}",
        )
    told = (
        "the server prints the same fingerprint when it starts"
        if server.kind == "cargo"
        else "the person who runs the server gives the same fingerprint"
    )
    return (
        f"no known authority has signed the certificate of {place}, "
        "and there is no terminal to ask:\n"
        f"  sha256:{fingerprint}",
        f"if {told}, give --tls-fingerprint {fingerprint}; or give --ca-file FILE",
    )


def is_host_key(fingerprint: str) -> bool:
    """Whether it is the fingerprint of an SSH server's host key, not of a certificate."""
    return fingerprint.startswith("SHA256:")


def _named(fingerprint: str) -> str:
    return fingerprint if is_host_key(fingerprint) else f"sha256:{fingerprint}"


def plain(url: str) -> tuple[str, str]:
    """Message and hint about a server at an address without encryption."""
    scheme = url.partition("://")[0] if "://" in url else "http"
    sealed = {"tcp": "tls"}.get(scheme, f"{scheme}s")
    return (
        _PLAIN.format(place=place_of(url)),
        f"use {sealed}://, or --allow-plain if the network is your own",
    )
