"""Numbers, names, sizes, speeds and times as text."""

from datetime import datetime

from cargo_sync.api.escaping import escaped as escaped


def size(count: float) -> str:
    """Bytes in decimal units: `999 B`, `1.2 MB`."""
    if count < 1000:
        return f"{int(count)} B"
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 999.95:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} PB"


def rate(bits: float) -> str:
    """Bits per second, as bytes per second: these are easy to compare with sizes."""
    return f"{size(bits / 8)}/s"


def duration(seconds: float) -> str:
    """The two largest units: `45 s`, `3 min 20 s`, `2 d 4 h`."""
    rest = max(0, round(seconds))
    if rest < 60:
        return f"{rest} s"
    parts: list[str] = []
    for name, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count or parts:
            parts.append(f"{count} {name}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part)


def clock(time: float) -> str:
    """A time of today in this machine's time zone: `19:07:40`. `time` in unix seconds."""
    return datetime.fromtimestamp(time).strftime("%H:%M:%S")


def until(seconds: float) -> str:
    """When something is due: `in 45 s`, or `now`."""
    return f"in {duration(seconds)}" if seconds >= 0.5 else "now"


def speed(bits: float) -> str:
    """Bits per second as job files write them: `10mbps`."""
    for unit, factor in (("g", 1e9), ("m", 1e6), ("k", 1e3)):
        if bits >= factor:
            return f"{bits / factor:.6g}{unit}bps"
    return f"{bits:.6g}bps"


def count(number: int, noun: str) -> str:
    """`1 file`, `3,000 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def percent(done: float, total: float) -> str:
    """A share, rounded down: only what is complete is `100%`."""
    return f"{int(100 * done / total)}%" if total else "100%"


def arrow(direction: object) -> str:
    """`↑` for an upload, `↓` for a download, else ""."""
    return {"upload": "↑", "download": "↓"}.get(str(direction), "")
