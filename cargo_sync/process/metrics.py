"""Metrics in the text format of Prometheus: families of samples -> text.

Format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. A sample is its labels and its value.

    The name contains the unit; names of counters end in `_total`.
    """

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]

    @classmethod
    def one(cls, name: str, kind: Literal["counter", "gauge"], help: str, value: float) -> "Family":
        """A metric without labels."""
        return cls(name, kind, help, (({}, value),))


MetricSource = Callable[[], Iterable[Family]]
"""Returns the metrics now. Called on the event loop, so it must be fast and must not wait."""


def exposition(families: Iterable[Family]) -> str:
    """Returns the metrics as text; families without samples are left out."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines.append(f"# HELP {family.name} {_escaped(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [
            f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples
        ]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"').encode("utf-8", "backslashreplace").decode()


def _number(value: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return repr(value)
