"""The library, OpenDAL: imported here and nowhere else, when it is needed.

Only its asynchronous calls are used: the other ones keep the interpreter's lock while they wait.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cloud.problems import CloudErrors

if TYPE_CHECKING:
    from opendal import AsyncOperator

SLOWEST: Final = 60.0
"""Seconds that one call may take; of a content that is read, what comes next."""
UNLIMITED: Final = 86_400.0
"""Seconds of a call that has a limit of ours: see `patience`."""


class CloudOperators(NamedTuple):
    """OpenDAL's view of a service, twice.

    asks   for calls that look, list, read, delete or rename
    sends  for those that write or copy a content
    """

    asks: "AsyncOperator"
    sends: "AsyncOperator"


def operators_of(scheme: str, config: Mapping[str, str], errors: CloudErrors) -> CloudOperators:
    """OpenDAL's view of a service.

    Raises:
        ProblemError: UNSUPPORTED: the library or the service is missing; BAD_SETTINGS.
    """
    try:
        import opendal
    except ImportError as error:
        message = "clouds are reached by OpenDAL, which is not installed"
        hint = "run pip install 'cargo-sync[cloud]' where Cargo runs, and start it again"
        raise ProblemError(Problem(Code.UNSUPPORTED, message, hint=hint, retry=False)) from error
    with errors.translated(""):
        operator = opendal.AsyncOperator(scheme, **config)
        limits = [
            opendal.layers.TimeoutLayer(timeout=one, io_timeout=one) for one in (SLOWEST, UNLIMITED)
        ]
        return CloudOperators(*map(operator.layer, limits))
