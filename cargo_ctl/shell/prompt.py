"""The client at a terminal: line editing, history, completion, and a bar with the transfers."""

import os
import threading
import time
from collections.abc import Iterable, Iterator

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import HTML, FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import Style

from cargo_ctl import answers
from cargo_ctl.render.session import line as in_a_word
from cargo_ctl.render.words import escaped
from cargo_ctl.session.session import entries_of
from cargo_ctl.shell.carrying import carried_out
from cargo_ctl.shell.completion import Remembered, Sources, candidates
from cargo_ctl.shell.location import shown
from cargo_ctl.shell.moving import tell_ended
from cargo_ctl.shell.sides import local_names
from cargo_ctl.shell.state import Shell
from cargo_sync.api.client import Client, CommandError, NotAdmitted, NotRunning

_DEADLINE = 2.0
"""Seconds that a Tab waits for the server."""
_REFRESH = 1.0
_GAP = "   "
_PAGE = 1000
_LONGEST_HISTORY = 1024 * 1024
_STYLE = Style.from_dict({"prompt": "bold", "bottom-toolbar": "noreverse fg:ansibrightblack"})


def run_prompt(shell: Shell, history: str) -> int:
    """Ask for commands until `quit` or Ctrl-D; always 0. Raises NotRunning if the daemon stopped.

    Ctrl-C at the prompt clears the line; during a command it cancels the command.
    """
    first = shell.session.client
    with Client(first.address, key=first.key) as second:  # for the thread of the completion
        session: PromptSession[str] = PromptSession(
            HTML("<prompt>cargo&gt; </prompt>"),
            history=open_history(history),
            completer=_Completer(shell, second),
            complete_in_thread=True,
            complete_while_typing=False,
            complete_style=CompleteStyle.MULTI_COLUMN,
            bottom_toolbar=lambda: _toolbar(shell),
            refresh_interval=_REFRESH,
            style=_STYLE,
        )
        while not shell.ended:
            shell.transfers.listen(0)
            tell_ended(shell)
            try:
                text = session.prompt()
            except KeyboardInterrupt:
                continue
            except EOFError:
                break
            try:
                carried_out(shell, text)
            except KeyboardInterrupt:
                shell.output.note("cancelled")
    return 0


def open_history(file: str) -> History:
    """The history of typed lines, in a file that only its owner can read; else in memory."""
    try:
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(handle, 0o600)
            _shorten(handle)
        finally:
            os.close(handle)
    except OSError:
        return InMemoryHistory()
    return FileHistory(file)


def _shorten(handle: int) -> None:
    """Keep the newer half of a long history. An entry begins with an empty line and `#`."""
    length = os.fstat(handle).st_size
    if length <= _LONGEST_HISTORY:
        return
    newer = os.pread(handle, _LONGEST_HISTORY // 2, length - _LONGEST_HISTORY // 2)
    _, _, kept = newer.partition(b"\n\n#")
    os.ftruncate(handle, 0)
    os.write(handle, b"\n#" + kept)


def _toolbar(shell: Shell) -> FormattedText:
    """The user, the current folder, and the progress of the background transfers."""
    try:
        shell.transfers.listen(0)
    except NotRunning:
        return FormattedText([("fg:ansired", "the daemon went away")])
    space = f"{shell.here.workspace}:" if shell.here.workspace else ""
    at = f"{shell.session.username}  {space}{shown(shell.here.remote)}"
    parts = [at if shell.session.id else "no server is open"]
    running = [(f"[{shell.number(row.id)}] ", row.fields) for row in shell.transfers.running]
    # What the numbers and the gaps leave is shared by the transfers.
    fixed = len(parts[0]) + sum(len(_GAP) + len(number) for number, _ in running)
    room = (shell.output.columns - fixed) // max(1, len(running))
    parts += [number + in_a_word(fields, room) for number, fields in running]
    return FormattedText([("", escaped(_GAP.join(parts)))])


class _Completer(Completer):
    """Completion for prompt_toolkit, which calls it in a thread: so it has its own client."""

    def __init__(self, shell: Shell, client: Client) -> None:
        self._shell = shell
        self._client = client
        self._one_at_a_time = threading.Lock()
        failures = (CommandError, NotAdmitted, NotRunning)
        self._remote = Remembered(self._ask, lambda: shell.changes, time.monotonic, failures)
        self._trash = Remembered(self._ask_trash, lambda: shell.changes, time.monotonic, failures)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        with self._one_at_a_time:
            sources = Sources(self._remote, self._trash, local_names, self._jobs, self._workspaces)
            found = candidates(document.text_before_cursor, self._shell.here, sources)
        for each in found:
            yield Completion(each.text, each.start - document.cursor_position, display=each.shown)

    def _ask(self, path: str) -> list[tuple[str, bool]]:
        args = {"session": self._shell.session.id, "path": path, "limit": _PAGE}
        page = self._client.call("session.list", args, _DEADLINE)
        return [(one.name, one.folder) for one in entries_of(page) if "/" not in one.name]

    def _ask_trash(self, path: str) -> list[tuple[str, bool]]:
        """The names in a folder of what is in the trash, and whether something was below it."""
        args = {"session": self._shell.session.id, "under": path, "limit": _PAGE}
        page = self._client.call("session.trash", args, _DEADLINE)
        names: dict[str, bool] = {}
        for row in answers.rows(page, "versions"):
            inside = answers.text(row, "path")[len(path) + 1 if path else 0 :]
            name, below, _ = inside.partition("/")
            names[name] = names.get(name, False) or bool(below) or row.get("kind") == "folder"
        return list(names.items())

    def _jobs(self) -> Iterable[str]:
        try:
            listed = self._client.call("job.list", timeout=_DEADLINE)
            return [answers.text(job, "name") for job in answers.rows(listed, "jobs")]
        except (CommandError, NotAdmitted, NotRunning):
            return []

    def _workspaces(self) -> Iterable[str]:
        return [each.name for each in self._shell.session.workspaces]
