"""Whatever stands in a field: the file becomes settings, or every error is in words."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cargo_sync.config.daemon import DaemonShape, daemon_from
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.job import job_from
from cargo_sync.config.job_shape import JobShape
from cargo_sync.config.pydio import FIELDS as PYDIO_FIELDS
from cargo_sync.config.relaxed import Document, parse
from cargo_sync.config.server import server_from
from cargo_sync.config.server_shape import ServerShape
from cargo_sync.config.shape import Shape
from tests.config.samples import job

ENV: Final = {"HOME": "/home/ana"}
Load = Callable[[Document, Mapping[str, str]], object]

_TEXTS: Final = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", "/", "../x", "~", "10mbps", "25:00", "1e9999", "${HOME}", "http://[", "\0", "a\nb"]
    ),
)
_PLAIN: Final = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), _TEXTS
)
VALUES: Final = st.one_of(
    _PLAIN,
    st.lists(_PLAIN, max_size=3),
    st.dictionaries(_TEXTS, _PLAIN, max_size=2),
    st.lists(st.dictionaries(_TEXTS, _PLAIN, max_size=2), max_size=2),
)


def names(shape: type[Shape], *more: str) -> Sequence[str]:
    """The fields of a shape, and others."""
    fields = (info.alias or name for name, info in shape.model_fields.items())
    return sorted({*fields, *more, "unknown", ""})


@pytest.mark.parametrize(
    ("load", "sound", "fields"),
    [
        (job_from, job(), names(JobShape, *PYDIO_FIELDS)),
        (daemon_from, {}, names(DaemonShape)),
        (server_from, {"listen": "127.0.0.1:0"}, names(ServerShape)),
    ],
    ids=["job", "daemon", "server"],
)
@given(data=st.data())
@settings(max_examples=60)
def test_any_value_in_any_field_is_taken_or_explained(
    load: Load, sound: dict[str, Any], fields: Sequence[str], data: st.DataObject
) -> None:
    changes = data.draw(st.dictionaries(st.sampled_from(fields), VALUES, min_size=1, max_size=2))
    text = json.dumps(sound | changes)
    try:
        load(parse(text, "/etc/file.json"), ENV)
    except ConfigError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
        assert "canary" not in str(error), "no secret in an error"
