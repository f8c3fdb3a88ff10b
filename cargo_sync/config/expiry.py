"""When a user expires: a day, until its end in this machine's zone, or a moment."""

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from cargo_sync.config.errors import quoted

EXPIRY_FORM: Final = (
    'a day such as "2027-01-31", until its end, or a time such as "2027-01-31T18:00+01:00"'
)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def parse_expiry(text: str) -> float:
    """The moment from which on a user may not log in any more, in unix seconds.

    Args:
        text: `2027-01-31`: until that day has ended on this machine; or `2027-01-31T18:00`, also
            with seconds, and with a UTC offset if it is not this machine's time.

    Raises:
        ValueError: it is neither.
    """
    given = text.strip()
    try:
        if _DAY.fullmatch(given):
            end = date.fromisoformat(given) + timedelta(days=1)
            return datetime.combine(end, time.min).astimezone().timestamp()
        if _DAY.match(given):
            return datetime.fromisoformat(given).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    raise ValueError(f"{quoted(text)} is not a day or a time")
