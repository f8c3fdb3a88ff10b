"""WsgiDAV on cheroot, the server that it comes with."""

import json
from pathlib import Path
from typing import Final

from tests.remotes.installed import Found, of_python
from tests.remotes.server import HTTP, Login, Setup, folders_in

LOGIN: Final = Login("ana", "canary-wsgidav-5e")


class WsgiDav:
    """`wsgidav`."""

    name: Final = "wsgidav"

    def version(self) -> str:
        # Such as "WsgiDAV/4.4.0 Python/3.11.7(64 bit) Linux-…", or the number alone.
        said = Found(of_python("wsgidav"), Path("/")).says("--version")
        return said.removeprefix("WsgiDAV/").split()[0]

    def set_up(self, folder: Path, port: int) -> Setup:
        stored = folder / "stored"
        settings = folder / "settings.json"
        settings.write_text(json.dumps({
            "host": "127.0.0.1", "port": port,
            "provider_mapping": {"/": str(stored)},
            "http_authenticator": {
                "domain_controller": None, "accept_basic": True, "accept_digest": False,
                "default_to_digest": False,
            },
            "simple_dc": {"user_mapping": {"*": {LOGIN.user: {"password": LOGIN.password}}}},
            "dir_browser": {"enable": False},
        }))  # fmt: skip
        return Setup(
            (of_python("wsgidav"), "--config", str(settings)),
            HTTP,
            f"webdav+http://127.0.0.1:{port}",
            LOGIN,
            folders_in(stored),
        )


WSGIDAV: Final = WsgiDav()
