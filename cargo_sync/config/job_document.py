"""The document of a job file: an object, or the only job in a file that pydio-sync has written.

pydio-sync kept its jobs in one file: at first a list of them, later an object with each job under
its id. Each job has `"__type__": "JobConfig"`.
"""

from typing import Final

from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.relaxed import Document, FieldPath, parse, read_text

TYPE: Final = "__type__"


def read_job(path: str) -> Document:
    """Reads the job file at `path`; a file of other settings is read as it is.

    Raises:
        ConfigError: it cannot be read, or it is not one job in relaxed JSON.
    """
    return parse_job(read_text(path), path)


def parse_job(text: str, file: str) -> Document:
    """The job in `text`; errors call it `file`.

    Raises:
        ConfigError: it is not one job in relaxed JSON.
    """

    def place(value: object) -> FieldPath:
        places = job_places(value)
        if len(places) > 1:
            message = f"has {len(places)} jobs of pydio-sync, and a job file has one"
            hint = 'make a file of each: a job is what stands between its "{" and "}"'
            raise ConfigError([FieldProblem(file, "", 1, message, hint)])
        return places[0] if places else ()

    return parse(text, file, place)


def job_places(value: object) -> list[FieldPath]:
    """Where the jobs are in a file that pydio-sync has written; none in another file."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, list):
        items = list(enumerate(value))
    elif isinstance(value, dict):
        items = list(value.items())
    if all(isinstance(item, dict) and TYPE in item for _, item in items):
        return [(key,) for key, _ in items]
    return []
