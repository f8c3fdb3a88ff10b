"""The headers of every answer that a browser may get from a page of ours.

`cargo_ctl web` and the server's page of files send the same ones, so that neither is weaker.
Nothing is loaded from another host, no script or style stands in the HTML, text cannot become
markup, and no other page may show ours in a frame or keep a handle to its window.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)

PAGE_HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)
"""For the page, its files, and answers to its scripts."""

NOT_STORED: Final[Mapping[str, str]] = MappingProxyType({"Cache-Control": "no-store"})
"""For answers to its scripts: they are for the person who is logged in."""
