"""Lines of the log as text."""

import time
from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.words import count, escaped

NONE = "nothing was logged"


def line(row: Mapping[str, Any]) -> str:
    """`time LEVEL job message`, as the process writes it; the lines of a traceback follow."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(row["time"]))
    about = escaped(row.get("job", "-"))
    text = f"{at} {escaped(row['level']).upper()} {about} {escaped(row['message'])}"
    trace = [f"    {escaped(each)}" for each in str(row.get("trace", "")).splitlines()]
    return "\n".join([text, *trace])


def lost(number: int) -> str:
    """The warning that lines came faster than they were read."""
    return f"({count(number, 'line')} before these {'is' if number == 1 else 'are'} no longer kept)"
