"""Lines of a log."""

import time
from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.words import count, escaped

NONE = "nothing was logged"


def line(row: Mapping[str, Any]) -> str:
    """`time LEVEL job message`, as the process itself writes it; a traceback follows, a line
    each."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(row["time"]))
    about = escaped(row.get("job", "-"))
    text = f"{at} {escaped(row['level']).upper()} {about} {escaped(row['message'])}"
    trace = [f"    {escaped(each)}" for each in str(row.get("trace", "")).splitlines()]
    return "\n".join([text, *trace])


def lost(number: int) -> str:
    """Lines that came faster than they were asked for."""
    return (
        f"({count(number, 'line')} before these {'is' if number == 1 else 'are'} not kept any more)"
    )
