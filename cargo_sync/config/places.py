"""Paths and addresses as people write them: local and remote folders, URLs, listen addresses."""

import ipaddress
import os
import re
import unicodedata
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from cargo_sync.config.errors import quoted

DEFAULT_PORT = 8443
RESERVED = ".cargo_sync"
"""Our folder in every root. The name is reserved everywhere, in upper or lower case."""

NO_LOGIN_HERE: Final = (
    "contains a user or password; they belong in username and password. "
    "An @ in a path is written %40"
)
NO_QUERY_HERE: Final = "may not contain ? or #; in a path they are written %3F and %23"
_HOST = re.compile(r"[A-Za-z0-9._-]+|[^\x00-\x7f]+[\w.-]*")


def home(env: Mapping[str, str]) -> str:
    """The person's home folder."""
    return env.get("HOME") or os.path.expanduser("~")


def xdg(env: Mapping[str, str], variable: str, default: str) -> str:
    """An XDG base folder: the variable if it is absolute (the XDG rule), else `default` in home."""
    value = env.get(variable, "")
    return value if os.path.isabs(value) else os.path.join(home(env), default)


def local_path(text: str, folder: str, env: Mapping[str, str]) -> str:
    """The text as an absolute path: `~` is home, a relative path starts from `folder`.

    Raises:
        ValueError: it is not a path.
    """
    if not text:
        raise ValueError("is empty")
    if has_controls(text):
        raise ValueError("contains a control character")
    if text == "~" or text.startswith("~/"):
        text = home(env) + text[1:]
    elif text.startswith("~"):
        text = os.path.expanduser(text)
    return os.path.normpath(os.path.join(folder, text))


def not_reserved(path: str) -> str:
    """Checks that an absolute path is not in a folder of Cargo itself; returns it.

    Raises:
        ValueError: it is.
    """
    if any(map(_is_reserved, path.split("/"))):
        raise ValueError(f"is in a folder {RESERVED}, which belongs to Cargo")
    return path


def remote_path(text: str) -> str:
    """A folder on the other side as `a/b`; "" is the root.

    Raises:
        ValueError: it is not such a path.
    """
    if has_controls(text):
        raise ValueError("contains a control character")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError('".." is not allowed')
    if any(map(_is_reserved, parts)):
        raise ValueError(f"{RESERVED} is reserved")
    return "/".join(parts)


def _is_reserved(name: str) -> bool:
    return name.casefold() == RESERVED


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or is below it. Both are absolute and normalised."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def has_controls(text: str) -> bool:
    """Whether a text contains control characters, line separators or lone surrogates."""
    return any(unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") for character in text)


def display_name(text: str) -> str:
    """A job's name: free text of 1 to 100 characters.

    Raises:
        ValueError: it is not such a name.
    """
    text = text.strip()
    if not text:
        raise ValueError("is empty")
    if len(text) > 100:
        raise ValueError("is longer than 100 characters")
    if has_controls(text):
        raise ValueError("contains a control character")
    return text


def segment(text: str) -> str:
    """The name of a user or a workspace: one step of a URL.

    Raises:
        ValueError: it is not such a name.
    """
    text = display_name(text)
    if "/" in text or ":" in text or text in (".", ".."):
        raise ValueError('may not contain "/" or ":", nor be "." or ".."')
    return text


def server_file(env: Mapping[str, str]) -> str:
    """Where a server's settings are, if nothing else is said."""
    return os.path.join(xdg(env, "XDG_CONFIG_HOME", ".config"), "cargo_sync", "server.json")


def node_file(env: Mapping[str, str]) -> str:
    """Where a storage node's settings are, if nothing else is said."""
    return os.path.join(os.path.dirname(server_file(env)), "node.json")


def base_url(text: str) -> str:
    """A server's address as `https://host:port/prefix`, without a slash at its end.

    The default scheme is https, the default port 8443. Errors never quote `text`, because people
    write passwords in it.

    Raises:
        ValueError: it is not such an address.
    """
    text = text.strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "https", text
    scheme = scheme.lower()
    if scheme not in ("http", "https"):
        raise ValueError("must begin with https:// or http://")
    at = url_place(f"{scheme}://{rest}")
    if " " in at.path:
        raise ValueError("contains a space")
    path = "/".join(part for part in at.path.split("/") if part)
    shown = f"[{at.host}]" if ":" in at.host else at.host
    return f"{scheme}://{shown}:{at.port or DEFAULT_PORT}" + (f"/{path}" if path else "")


class UrlPlace(NamedTuple):
    """Where a URL leads: the host without brackets, a port or None, the path as it is written."""

    host: str
    port: int | None
    path: str


def url_place(url: str) -> UrlPlace:
    """The parts of a URL, whose errors never quote it.

    Raises:
        ValueError: it has no right host or port, or it has a user, a query or a fragment.
    """
    if "@" in url:
        raise ValueError(NO_LOGIN_HERE)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not an address; its host or port is wrong") from None
    if "?" in url or "#" in url:
        raise ValueError(NO_QUERY_HERE)
    if host and "%" in host:
        raise ValueError("has an IPv6 zone (%), which only this machine knows; use a name")
    if not host or not (is_ip(host) or _HOST.fullmatch(host)):
        raise ValueError("has no host name" if not host else "has a wrong host name")
    if has_controls(url):
        raise ValueError("contains a control character")
    if port == 0:
        raise ValueError("has port 0")
    return UrlPlace(host, port, parts.path)


def host_name(text: str) -> str:
    """A host as others reach it: a name or an IP address, without a port.

    Raises:
        ValueError: it is neither.
    """
    text = text.strip().removeprefix("[").removesuffix("]")
    if len(text) > 253 or not (is_ip(text) or _HOST.fullmatch(text)):
        raise ValueError("is not a host name or an IP address")
    return text


def listen_address(text: str, port_of_none: int = DEFAULT_PORT) -> tuple[str, int]:
    """`127.0.0.1:8443`, `[::1]:8443`, `:8443`, `8443` or `localhost` as host and port (8443).

    Raises:
        ValueError: it is not such an address.
    """
    address = text.strip()
    if address.isascii() and address.isdigit():
        address = f":{address}"
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{quoted(text)} is not an address and port") from None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{quoted(text)} is not an address and port")
    host = host or "0.0.0.0"  # noqa: S104  (":8443" asks for every interface)
    if host != "localhost" and not is_ip(host):
        raise ValueError(f"{quoted(host)} is not an IP address")
    return host, port_of_none if port is None else port


def is_ip(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine. No name is resolved: of names, only localhost counts."""
    return host == "localhost" or (is_ip(host) and ipaddress.ip_address(host).is_loopback)


def fingerprint(text: str) -> str:
    """A certificate's SHA-256 as 64 lower-case hex digits.

    Colons, spaces and a leading `sha256:` are ignored.

    Raises:
        ValueError: it is not such a digest.
    """
    digits = (
        text.strip()
        .lower()
        .removeprefix("sha256:")
        .removeprefix("sha256/")
        .replace(":", "")
        .replace(" ", "")
    )
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ValueError("is not a SHA-256 fingerprint")
    return digits


def url_host(url: str) -> str:
    """The host in a URL that `base_url` made."""
    return urlsplit(url).hostname or ""


def state_folder(env: Mapping[str, str], program: str) -> str:
    """The default folder for the state of `program` (daemon, server)."""
    return os.path.join(xdg(env, "XDG_STATE_HOME", ".local/state"), "cargo_sync", program)


def network(text: str) -> str:
    """An IP address or a network such as `10.0.0.0/8`, in its usual form.

    Raises:
        ValueError: it is neither.
    """
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError(f"{quoted(text)} is not an IP address or network") from None


def url_prefix(text: str) -> str:
    """A path before all paths of the server: `/files`, or "" for none.

    Raises:
        ValueError: it is not such a path.
    """
    parts = [part for part in text.split("/") if part]
    if not all(re.fullmatch(r"[A-Za-z0-9._~-]+", part) for part in parts) or {".", ".."} & set(
        parts
    ):
        raise ValueError(f"{quoted(text)} is not a path prefix")
    return "".join(f"/{part}" for part in parts)
