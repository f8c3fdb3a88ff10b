"""The plain-text orders of pydio-sync's published versions, for scripts that still send them.

START [job], PAUSE [job], RELOAD [job] (no job: all) and LIST-JOBS. The answers are RUNNING, PAUSED,
RELOADED and a JSON list. A job's name is the rest of the line, so it may contain spaces.
"""

from dataclasses import dataclass

from cargo_sync.api.messages import Refusal, Reply, Request, encode

_LONGEST = 1024

_COMMANDS = {
    "START": ("job.start", "RUNNING"),
    "PAUSE": ("job.pause", "PAUSED"),
    "RELOAD": ("job.reload", "RELOADED"),
}
_LIST = "LIST-JOBS"


@dataclass(frozen=True, slots=True)
class LegacyOrder:
    """A legacy order: the request that it stands for, and the word of its answer.

    word  "" for a list of jobs
    """

    request: Request
    word: str


def parse_order(raw: bytes) -> LegacyOrder | None:
    """Decodes an order; None if `raw` is not one."""
    if len(raw) > _LONGEST:
        return None
    try:
        verb, _, rest = raw.decode().strip().partition(" ")
    except UnicodeDecodeError:
        return None
    job = rest.strip()
    if verb == _LIST:
        return None if job else LegacyOrder(Request("job.list"), "")
    if verb not in _COMMANDS:
        return None
    cmd, word = _COMMANDS[verb]
    return LegacyOrder(Request(cmd, {"job": job} if job else {}), word)


def encode_answer(order: LegacyOrder, reply: Reply) -> bytes:
    """The answer to an order: its word, the list of jobs, or `ERROR: ` and one sentence."""
    if reply.error is not None:
        return f"ERROR: {_sentence(reply.error)}".encode("utf-8", "backslashreplace")
    return order.word.encode() if order.word else encode(reply.result.get("jobs", []))


def _sentence(refusal: Refusal) -> str:
    """The refusal, with orders in place of the commands that it names in backticks."""
    text = f"{refusal.message} ({refusal.hint})" if refusal.hint else refusal.message
    for order, cmd in ((_LIST, "job.list"), *((name, cmd) for name, (cmd, _) in _COMMANDS.items())):
        text = text.replace(f"`{cmd}`", order)
    return text
