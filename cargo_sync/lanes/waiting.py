"""Sinks and sources without a lane: for threads that may wait for what comes later."""

import threading

from cargo_sync.lanes.ports import Reader, Sink, Source
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.transfers import Receipt


def commit(sink: Sink, batch: int) -> list[Receipt]:
    """Submits a batch and waits until it is finished; returns one receipt per offer.

    No other batch of this sink may be unfinished.

    Raises:
        ProblemError: nothing of the batch was committed.
    """
    woken = threading.Event()
    sink.wakes(woken.set)
    sink.submit(batch)
    while not (finished := sink.finished()):
        woken.wait()
        woken.clear()
    [(_, result)] = finished
    if isinstance(result, Problem):
        raise ProblemError(result)
    return result


def read_into(source: Source, reader: Reader, view: memoryview, offset: int) -> int:
    """As `Reader.read_into`, of a file of `source`; waits until the bytes are here.

    Raises:
        ProblemError: the file cannot be read.
    """
    if (count := reader.read_into(view, offset)) is not None:
        return count
    woken = threading.Event()
    source.wakes(woken.set)
    while (count := reader.read_into(view, offset)) is None:
        woken.wait()
        woken.clear()
    return count
