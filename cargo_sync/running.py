"""An application of the command line, run to its end; and how a program ends that cannot start."""

import gc
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

if TYPE_CHECKING:
    from cargo_sync.config.process_shape import LogSettings
    from cargo_sync.process.service import Service

_FAILED: Final = 1
_BAD_INPUT: Final = 2


def run_application(
    application: Callable[["Service"], Coroutine[Any, Any, None]],
    log: "LogSettings",
    identifier: str,
) -> None:
    """Runs an application to its end, on uvloop if it is installed.

    If it cannot start, it prints a line and exits with 1.
    """
    import asyncio

    from cargo_sync.api.addresses import AddressError
    from cargo_sync.control.endpoint import EndpointError
    from cargo_sync.model.problems import ProblemError
    from cargo_sync.process.event_loop import new_loop
    from cargo_sync.process.logs import logging_to
    from cargo_sync.process.service import Service
    from cargo_sync.process.systemd import Notifier

    with logging_to(log, click.get_current_context().obj, os.environ, identifier) as ring:
        service = Service(ring, Notifier(os.environ))
        gc.freeze()
        gc.enable()
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(application(service))
        except (AddressError, EndpointError, ProblemError) as error:
            _end(_FAILED, [str(error)])
        except BaseExceptionGroup as group:
            refused, others = group.split((AddressError, EndpointError, ProblemError))
            if others is not None or refused is None:
                raise
            _end(_FAILED, [str(error) for error in _leaves(refused)])


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


def refuse(lines: list[str]) -> NoReturn:
    """Ends because of a file that cannot be used: prints each problem on its own line."""
    _end(_BAD_INPUT, lines)


def _end(code: int, lines: list[str]) -> NoReturn:
    for line in lines:
        click.echo(
            "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line), err=True
        )
    sys.exit(code)
