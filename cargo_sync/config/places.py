"""Paths and addresses as people write them: local folders, remote folders, URLs, listen
addresses."""

import ipaddress
import os
import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import urlsplit

DEFAULT_PORT = 8443
RESERVED = ".cargo_sync"
"""The folder below every root that is ours: marker, staging, trash."""

_HOST = re.compile(r"[A-Za-z0-9._-]+|[^\x00-\x7f]+[\w.-]*")


def home(env: Mapping[str, str]) -> str:
    return env.get("HOME") or os.path.expanduser("~")


def xdg(env: Mapping[str, str], variable: str, default: str) -> str:
    """An XDG base folder: the variable if it is absolute (the XDG rule), else `default` below
    home."""
    value = env.get(variable, "")
    return value if os.path.isabs(value) else os.path.join(home(env), default)


def local_path(text: str, folder: str, env: Mapping[str, str]) -> str:
    """`text` as an absolute path: `~` is home, a relative path starts from `folder`. Raises
    ValueError."""
    if not text:
        raise ValueError("is empty")
    if has_controls(text):
        raise ValueError("holds a control character")
    if text == "~" or text.startswith("~/"):
        text = home(env) + text[1:]
    elif text.startswith("~"):
        text = os.path.expanduser(text)
    return os.path.normpath(os.path.join(folder, text))


def remote_path(text: str) -> str:
    """A folder on the other side as `a/b`; "" is the root. Raises ValueError."""
    if has_controls(text):
        raise ValueError("holds a control character")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ValueError('".." is not allowed')
    if parts and parts[0] == RESERVED:
        raise ValueError(f"{RESERVED} is reserved")
    return "/".join(parts)


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it. Both absolute and normal."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def has_controls(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") for character in text)


def display_name(text: str) -> str:
    """A job's name: free text of 1 to 100 characters. Raises ValueError."""
    text = text.strip()
    if not text:
        raise ValueError("is empty")
    if len(text) > 100:
        raise ValueError("is longer than 100 characters")
    if has_controls(text):
        raise ValueError("holds a control character")
    return text


def segment(text: str) -> str:
    """A name that is one step of an address: of a user or a workspace. Raises ValueError."""
    text = display_name(text)
    if "/" in text or ":" in text or text in (".", ".."):
        raise ValueError('may not hold "/" or ":", nor be "." or ".."')
    return text


def base_url(text: str) -> str:
    """A server's address as `https://host:port/prefix`, without a slash at its end. Raises
    ValueError.

    Without a scheme it is https; without a port it is 8443. Never quotes `text`: people put
    passwords there.
    """
    text = text.strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "https", text
    scheme = scheme.lower()
    if scheme not in ("http", "https"):
        raise ValueError("must begin with https:// or http://")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not an address; its host or port is wrong") from None
    if "@" in parts.netloc:
        raise ValueError("holds a user or password; those belong into username and password")
    if parts.query or parts.fragment:
        raise ValueError("may not hold ? or #")
    if not host or not (is_ip(host) or _HOST.fullmatch(host)):
        raise ValueError("holds no host name" if not host else "holds a wrong host name")
    if has_controls(text) or " " in text:
        raise ValueError("holds a space or control character")
    if port == 0:
        raise ValueError("has port 0")
    path = "/".join(part for part in parts.path.split("/") if part)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port or DEFAULT_PORT}" + (f"/{path}" if path else "")


def listen_address(text: str, port_of_none: int = DEFAULT_PORT) -> tuple[str, int]:
    """`127.0.0.1:8443`, `[::1]:8443`, `:8443`, `localhost` as host and port (8443). Raises
    ValueError."""
    try:
        parts = urlsplit(f"//{text.strip()}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f'"{text}" is not an address and port') from None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f'"{text}" is not an address and port')
    host = host or "0.0.0.0"  # noqa: S104  (":8443" asks for every interface)
    if host != "localhost" and not is_ip(host):
        raise ValueError(f'"{host}" is not an IP address')
    return host, port_of_none if port is None else port


def is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether what is sent to `host` stays on the machine. No name is looked up: only localhost
    counts."""
    return host == "localhost" or (is_ip(host) and ipaddress.ip_address(host).is_loopback)


def fingerprint(text: str) -> str:
    """A certificate's SHA-256 as 64 lower-case hex digits; colons and a `sha256:` before it are
    read over."""
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
    return urlsplit(url).hostname or ""


def state_folder(env: Mapping[str, str], program: str) -> str:
    """Where `program` (daemon, server) keeps its state unless its file says otherwise."""
    return os.path.join(xdg(env, "XDG_STATE_HOME", ".local/state"), "cargo_sync", program)


def network(text: str) -> str:
    """An IP address or a network such as `10.0.0.0/8`, in its usual form. Raises ValueError."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError(f'"{text}" is not an IP address or network') from None


def url_prefix(text: str) -> str:
    """A path that stands before every address of the server: `/files`, or "" for none. Raises
    ValueError."""
    parts = [part for part in text.split("/") if part]
    if not all(re.fullmatch(r"[A-Za-z0-9._~-]+", part) for part in parts) or {".", ".."} & set(
        parts
    ):
        raise ValueError(f'"{text}" is not a path prefix')
    return "".join(f"/{part}" for part in parts)
