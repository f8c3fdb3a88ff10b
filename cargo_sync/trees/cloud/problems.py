"""Errors of OpenDAL, as problems: translated once, here.

Of what it says only the first line is passed on, without anything that an option holds: the rest
are addresses of requests, in which some services have a signature.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError

_REASONS: Final[Mapping[str, tuple[Code, str, bool]]] = {
    "NotFound": (Code.VANISHED, "{} does not exist", True),
    "PermissionDenied": (Code.UNREADABLE, "the service does not allow this: {}", True),
    "AlreadyExists": (Code.OCCUPIED, "{} is there already", True),
    "IsADirectory": (Code.IS_A_FOLDER, "{} is a folder", True),
    "NotADirectory": (Code.NOT_A_FOLDER, "{} is not a folder", True),
    "RateLimited": (Code.BUSY, "the service has too much to do", True),
    "Unsupported": (Code.UNSUPPORTED, "the service cannot do this: {}", False),
    "ConditionNotMatch": (Code.CHANGED, "{} has changed since it was last checked", True),
    "RangeNotSatisfied": (Code.CHANGED, "{} has changed since it was last checked", True),
    "Conflict": (Code.BUSY, "something else is done with {}", True),
}
_NETWORK: Final = ("send http request", "timeout", "timed out", "connection", "dns")
"""Words by which it says that the service was not reached; it has no class for that."""
_SHORTEST: Final = 4
"""Characters of an option from which it is looked for in a sentence."""
_CHECK: Final = "check hostname, username, password and options in the job"


class CloudErrors:
    """Translates errors.

    Args:
        where: the service, for people.
        hidden: what no sentence may show.
    """

    def __init__(self, where: str, hidden: Sequence[str]) -> None:
        self._where = where
        self._hidden = sorted((one for one in hidden if len(one) >= _SHORTEST), key=len)[::-1]

    @contextmanager
    def translated(self, path: str) -> Iterator[None]:
        """What the library raises in the block becomes a ProblemError.

        Args:
            path: what the call is about, relative to the remote's folder; "" for the folder.
        """
        try:
            yield
        except TimeoutError as error:
            message = f"{self._where} does not answer"
            raise ProblemError(Problem(Code.TIMEOUT, message)) from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "opendal":
                raise
            # Not `from error`: it has all that the library says, and a log would show it.
            raise ProblemError(self._problem(type(error).__name__, str(error), path)) from None

    def _problem(self, kind: str, text: str, path: str) -> Problem:
        said = self._said(text)
        name = repr(path) if path else "the folder"
        if kind == "ConfigInvalid":
            return Problem(Code.BAD_SETTINGS, f"{self._where}: {said}", hint=_CHECK, retry=False)
        if (kind == "PermissionDenied" and not path) or "signing credential" in said:
            message = f"{self._where} refuses this login"
            return Problem(Code.UNAUTHORIZED, message, hint=_CHECK, retry=False)
        if kind == "Unsupported" and not path:
            return Problem(Code.UNSUPPORTED, f"{self._where}: {said}", hint=_CHECK, retry=False)
        if kind in _REASONS:
            code, sentence, retry = _REASONS[kind]
            return Problem(code, sentence.format(name), path, retry=retry)
        if any(word in said.lower() for word in _NETWORK):
            return Problem(
                Code.UNREACHABLE, f"{self._where} cannot be reached: {said}", hint=_CHECK
            )
        message = f"the service could not do this with {name}: {said}"
        return Problem(Code.OS_ERROR, message, path)

    def _said(self, text: str) -> str:
        """The sentence in the first line, and the one below "Source:" if there is one."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        found = [lines[0].partition("=> ")[2] or lines[0]] if lines else ["it does not say why"]
        if "Source:" in lines[:-1]:
            found.append(lines[lines.index("Source:") + 1])
        whole = ": ".join(found)
        for secret in self._hidden:
            whole = whole.replace(secret, "…")
        return "".join(one if one.isprintable() else " " for one in whole)[:300]
