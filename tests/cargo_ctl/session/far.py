"""A daemon that answers session.* for a server made of a dict; local files are real.

It keeps the contract of docs/control-protocol.md as far as front ends need it. The transfer of a
file in `stuck` stops in the middle until it is cancelled; the next transfer of it resumes there.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cargo_sync.api.messages import ControlError
from cargo_sync.model.displaced import TrashFilter
from tests.control.canned import NOW, Answer, Canned, canned

FINGERPRINT = "ab" * 32
USER, PASSWORD = "ana", "canary-31c7"


class Far:
    """files: path -> content, b"" for a folder's own path with a `/` at its end."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self.folders: set[str] = set()
        self.stuck: set[str] = set()
        self.look: dict[str, Any] = {
            "url": "https://files.example:8443", "kind": "cargo", "sealed": True,
            "fingerprint": FINGERPRINT, "trusted": True, "message": "",
        }  # fmt: skip
        self.hello: dict[str, Any] = {
            "uid": os.getuid(), "host": socket.gethostname(), "supports": ["hello", "session.open"],
        }  # fmt: skip
        self.thrown: list[tuple[str, bytes]] = []
        self.listed: dict[str, list[dict[str, Any]]] = {}
        self.copies: dict[str, bytes] = {}
        self.daemon: Canned | None = None
        self.options: dict[str, Any] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.kept: dict[str, int] = {}
        self.ids: dict[str, str] = {}
        self.password = PASSWORD
        self.known = False
        self.problems: list[dict[str, str]] = []
        self.seals_backups = False
        self.mute = False

    @property
    def asked(self) -> list[tuple[str, dict[str, Any]]]:
        assert self.daemon is not None
        return self.daemon.asked

    def calls(self, cmd: str) -> list[dict[str, Any]]:
        """The arguments of each request of this command, without the session."""
        return [
            {k: v for k, v in args.items() if k != "session"}
            for name, args in self.asked
            if name == cmd
        ]

    @contextlib.contextmanager
    def running(self, runtime: str, instance: str = "daemon", **more: Answer) -> Iterator["Far"]:
        verbs: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "look": lambda _args: self.look, "open": self._open, "use": self._use,
            "list": self._list,
            "stat": self._stat, "get": self._get, "put": self._put, "mkdir": self._mkdir,
            "delete": self._delete, "trash": self._trash, "restore": self._restore,
            "move": self._move, "cancel": self._cancel, "copy": self._copy,
            "close": lambda _args: {},
            "show": lambda _args: {"transfers": list(self.rows.values())},
            "speed": lambda args: {
                "speed": args["speed"], "granted": 8_000_000 if args["speed"] else None,
            },
        }  # fmt: skip
        answers: dict[str, Answer] = {f"session.{verb}": answer for verb, answer in verbs.items()}
        answers["hello"] = self.hello
        answers |= {name.replace("_", ".", 1): answer for name, answer in more.items()}
        with canned(runtime, answers, instance, **self.options) as self.daemon:
            yield self

    # -- answers -----------------------------------------------------------------------------------

    def _open(self, args: dict[str, Any]) -> dict[str, Any]:
        backup = args.get("kind") == "backup"
        if args["url"].startswith("tls://") and not self.seals_backups:
            raise ControlError("tls", f"{args['url']} speaks no TLS")
        if args["url"].startswith("tls://") and "tls_fingerprint" not in args:
            raise ControlError("certificate", "its certificate is not trusted")
        if backup and args.get("password", self.password) != self.password:
            raise ControlError("refused", "it answers: Apelido não encontrado")
        self.known = args.get("password", "") == self.password
        if not backup and not self.known:
            raise ControlError("unauthorized", "the server does not know this name and password")
        spaces = [{"name": "default", "access": "rw"}, {"name": "archive", "access": "ro"}]
        return {
            "session": "s" * 8, "username": args["username"], "url": args["url"], "granted": None,
            "workspace": args.get("workspace", "default"), "workspaces": [] if backup else spaces,
        }  # fmt: skip

    def _use(self, args: dict[str, Any]) -> dict[str, Any]:
        if args["workspace"] not in ("default", "archive"):
            raise ControlError("unknown_workspace", f"there is no workspace {args['workspace']}")
        return {"workspace": args["workspace"], "access": "rw"}

    def _entries(self, path: str) -> list[dict[str, Any]]:
        if path in self.listed:
            return self.listed[path]
        head = f"{path}/" if path else ""
        found: dict[str, dict[str, Any]] = {}
        for folder in self.folders:
            if folder.startswith(head) and folder != path:
                found[folder[len(head) :].split("/")[0]] = _folder(
                    folder[len(head) :].split("/")[0]
                )
        for file, content in self.files.items():
            name, _, below = file[len(head) :].partition("/")
            if file.startswith(head):
                found[name] = _folder(name) if below else _file(name, len(content))
                if file in self.ids:
                    found[name]["id"] = self.ids[file]
        return [found[name] for name in sorted(found)]

    def _list(self, args: dict[str, Any]) -> dict[str, Any]:
        path = args["path"]
        if path in self.files:
            raise ControlError("not_a_folder", f"{path} is no folder")
        entries = self._entries(path) if self.known else []
        if path and not entries and path not in self.folders:
            raise ControlError("unknown", f"there is no {path}")
        rest = [each for each in entries if each["name"] > args.get("after", "")]
        page = rest[: args.get("limit", 1000)]
        further = page[-1]["name"] if len(page) < len(rest) else None
        return {"entries": page, "next": further, "problems": self.problems}

    def _stat(self, args: dict[str, Any]) -> dict[str, Any]:
        folder, _, name = args["path"].rpartition("/")
        for each in self._entries(folder):
            if each["name"] == name:
                return each
        raise ControlError("unknown", f"there is no {args['path']}")

    def _mkdir(self, args: dict[str, Any]) -> dict[str, Any]:
        self.folders.add(args["path"])
        return {}

    def _delete(self, args: dict[str, Any]) -> dict[str, Any]:
        path = args["path"]
        gone = [each for each in self.files if each == path or each.startswith(f"{path}/")]
        for each in gone:
            self.thrown.append((each, self.files.pop(each)))
        self.folders.discard(path)
        return {"displaced": len(gone)}

    def _trash(self, args: dict[str, Any]) -> dict[str, Any]:
        wanted = TrashFilter(args.get("pattern", ""), under=args.get("under", ""))
        rows = [
            {"id": str(id), "path": path, "kind": "file", "size": len(content), "time": NOW,
             "cause": "deleted", "user": "ana", "state": "kept"}
            for id, (path, content) in reversed(list(enumerate(self.thrown, 1)))
            if wanted.matches(path)
        ]  # fmt: skip
        rows = [row for row in rows if int(str(row["id"])) < (args.get("before") or 10**6)]
        more = int(str(rows[1]["id"])) if len(rows) > 2 else None
        totals = {"files": len(self.thrown), "bytes": 0}
        return {"versions": rows[:2], "totals": totals, "next": more}

    def _restore(self, args: dict[str, Any]) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        for id in args["ids"]:
            path, content = self.thrown[int(id) - 1]
            there = path in self.files
            self.files[path] = content
            results.append({"id": id, "code": "done", "path": path, "displaced": int(there)})
        return {"results": results}

    def _move(self, args: dict[str, Any]) -> dict[str, Any]:
        self.files[args["to"]] = self.files.pop(args["path"])
        return {}

    # -- transfers ---------------------------------------------------------------------------------

    def _get(self, args: dict[str, Any]) -> dict[str, Any]:
        by_id = {id: file for file, id in self.ids.items()}
        remote = by_id.get(args["remote"], args["remote"])
        if args["remote"] in by_id:
            args = args | {"local": os.path.join(args["local"], remote)}
        inside = [each for each in self.files if each == remote or each.startswith(f"{remote}/")]
        if not inside:
            raise ControlError("unknown", f"there is no {remote}")
        row = self._begin(
            "get",
            args | {"remote": remote},
            sum(len(self.files[each]) for each in inside),
            len(inside),
        )
        if remote in self.stuck and self._stays(row):
            return {"transfer": row["transfer"]}
        for each in inside:
            target = Path(args["local"] + each[len(remote) :])
            if (
                target.exists()
                and not args["overwrite"]
                and target.read_bytes() != self.files[each]
            ):
                return self._end(
                    row, "failed", {"code": "occupied", "message": f"{target} is there", "hint": ""}
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.files[each])
        return self._end(row, "done")

    def _put(self, args: dict[str, Any]) -> dict[str, Any]:
        if not self.known:
            raise ControlError("refused", "it answers: Apelido não encontrado")
        local, remote = Path(args["local"]), args.get("remote") or os.path.basename(args["local"])
        files = (
            [each for each in sorted(local.rglob("*")) if each.is_file()]
            if local.is_dir()
            else [local]
        )
        row = self._begin(
            "put", args | {"remote": remote}, sum(each.stat().st_size for each in files), len(files)
        )
        for each in files:
            target = f"{remote}/{each.relative_to(local)}" if local.is_dir() else remote
            if (
                self.files.get(target, each.read_bytes()) != each.read_bytes()
                and not args["overwrite"]
            ):
                return self._end(
                    row, "failed", {"code": "occupied", "message": f"{target} is there", "hint": ""}
                )
            self.files[target] = each.read_bytes()
        self.ids.setdefault(remote, f"id-{len(self.ids) + 1}")
        return self._end(row, "done", id=self.ids[remote])

    def _copy(self, args: dict[str, Any]) -> dict[str, Any]:
        """Of a source that has the same files: all of them arrive in `copies`."""
        path = args["path"]
        taken = [
            each for each in self.files if not path or each == path or each.startswith(f"{path}/")
        ]
        total = sum(len(self.files[each]) for each in taken)
        row = self._begin("copy", args | {"local": f"sftp://other/{path}"}, total, len(taken))
        if not args["overwrite"] and self.copies.keys() & set(taken):
            refusal = {"code": "occupied", "message": "it is there already", "hint": ""}
            return self._end(row, "failed", refusal)
        self.copies |= {each: self.files[each] for each in taken}
        return self._end(row, "done")

    def _begin(self, verb: str, args: dict[str, Any], total: int, files: int) -> dict[str, Any]:
        row = {
            "session": "s" * 8, "transfer": f"t{len(self.rows) + 1}", "verb": verb,
            "remote": args["remote"],
            "local": args["local"], "state": "running", "path": "", "files_done": 0,
            "files_total": files,
            "bytes_done": self.kept.get(args["remote"], 0), "bytes_total": total,
            "speed_bps": 8_000_000,
            "resumed": self.kept.get(args["remote"], 0), "eta_s": 5.0, "problem": None,
            "skipped": 0,
            "failed": [],
        }  # fmt: skip
        self._told(row)
        return row

    def _stays(self, row: dict[str, Any]) -> bool:
        """The first transfer stops in the middle; the next one brings the rest."""
        if row["remote"] in self.kept:
            return False
        self.kept[row["remote"]] = row["bytes_total"] // 2
        self._told(row | {"bytes_done": row["bytes_total"] // 2})
        return True

    def _end(
        self, row: dict[str, Any], state: str, problem: Any = None, **more: Any
    ) -> dict[str, Any]:
        done = (
            {"bytes_done": row["bytes_total"], "files_done": row["files_total"]}
            if state == "done"
            else {}
        )
        self._told(row | {"state": state, "problem": problem, "eta_s": None} | done | more)
        return {"transfer": row["transfer"]}

    def _cancel(self, args: dict[str, Any]) -> dict[str, Any]:
        row = self.rows[args["transfer"]]
        if row["state"] == "running":
            self._end(row, "cancelled")
        return {}

    def _told(self, row: dict[str, Any]) -> None:
        assert self.daemon is not None
        self.rows[row["transfer"]] = row
        if self.mute:
            return  # messages of a feed may come late, or never
        self.daemon.publish(f"session/{row['session']}/", "session", row)


def _file(name: str, size: int) -> dict[str, Any]:
    return {"name": name, "kind": "file", "size": size, "mtime": NOW, "mode": 0o644}


def _folder(name: str) -> dict[str, Any]:
    return {"name": name, "kind": "folder", "size": 0, "mtime": NOW, "mode": 0o755}
