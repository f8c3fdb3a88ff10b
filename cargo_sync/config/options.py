"""The field `options` of a job: what a service of a cloud is told besides its address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cargo_sync.config.secret import Secret

OPTIONS_FORM: Final = 'an object of texts, such as {"endpoint": "https://…"}'
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
SHOWN: Final = frozenset({"endpoint", "region"})
"""Names of options that are no secrets."""


@dataclass(frozen=True, slots=True)
class CloudOptions:
    """Names with their values. Nobody knows which of them a service keeps secret, so all are."""

    some: tuple[tuple[str, Secret], ...] = ()

    def reveal(self) -> Mapping[str, str]:
        """The options, by their names."""
        return {name: value.reveal() for name, value in self.some}

    def shown(self) -> Mapping[str, str]:
        """As people may see them: masked, but for those that tell where something is."""
        return {name: value.reveal() if name in SHOWN else str(value) for name, value in self.some}

    def are_written(self, field: object) -> bool:
        """Whether a file has a secret in this field itself, and not the name of a variable."""
        return isinstance(field, Mapping) and any(
            name not in SHOWN and field.get(name) == value.reveal() for name, value in self.some
        )


NO_OPTIONS: Final = CloudOptions()


def read_options(value: Any) -> CloudOptions:
    """The value of the field.

    Raises:
        ValueError: it is none; the sentence never has a value.
    """
    if value is None:
        return NO_OPTIONS
    if not isinstance(value, dict):
        raise ValueError("is not an object")
    for name, text in value.items():
        if not _NAME.fullmatch(name):
            raise ValueError("has a name that is not in small letters, digits and _")
        if not isinstance(text, str) or not text:
            raise ValueError(f"has no text as {name}; a number or true is written in quotes")
    return CloudOptions(tuple((name, Secret(text)) for name, text in sorted(value.items())))
