"""Changes of a file's text: what is not changed stays as it was written."""

import json
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.config.editing import MOST, dumped, edited, fields_of, plain
from cargo_sync.config.relaxed import parse

FILE = dedent(
    """\
    // The nightly job
    {
        sync_name: 'nightly',  // shown to people
        "sleep": 5,
        "filters": { "exclude": ["*.bak"] },
        /* the guard
           is wide */
        "guard": {
            "share": 0.5,
            "at_least": 10
        },
        "events": {"onUpdate": {"body": {"progress": {{ PROGRESS }}}}},
        "priority": 50 // the last one
    }
    """
)


def changed(**changes: Any) -> str:
    """FILE with other fields; None takes one out."""
    fields = dict(fields_of(FILE, "f")) | changes
    made = edited(FILE, {name: value for name, value in fields.items() if value is not None})
    assert made.in_place
    return made.text


def diff(after: str) -> list[str]:
    """The lines that went and came."""
    before, lines = FILE.splitlines(), after.splitlines()
    gone = [f"-{line.strip()}" for line in before if line not in lines]
    return gone + [f"+{line.strip()}" for line in lines if line not in before]


def test_nothing_changes() -> None:
    assert changed() == FILE


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"sleep": 7}, ['-"sleep": 5,', '+"sleep": 7,']),
        (
            {"sync_name": "x"},
            ["-sync_name: 'nightly',  // shown to people", '+sync_name: "x",  // shown to people'],
        ),
        ({"sleep": None}, ['-"sleep": 5,']),
        (
            {"guard": {"share": 0.5, "at_least": 10, "window": "1d"}},
            ['-"at_least": 10', '+"at_least": 10,', '+"window": "1d"'],
        ),
        ({"guard": {"share": 0.5}}, ['-"share": 0.5,', '-"at_least": 10', '+"share": 0.5']),
        (
            {"guard": False},
            ['-"guard": {', '-"share": 0.5,', '-"at_least": 10', "-},", '+"guard": false,'],
        ),
        (
            {"filters": {"exclude": ["*.bak"], "include": ["a"]}},
            [
                '-"filters": { "exclude": ["*.bak"] },',
                '+"filters": { "exclude": ["*.bak"], "include": ["a"] },',
            ],
        ),
        (
            {"speed": "1mbps"},
            [
                '-"priority": 50 // the last one',
                '+"priority": 50, // the last one',
                '+"speed": "1mbps"',
            ],
        ),
        (
            {"priority": None},
            [
                '-"events": {"onUpdate": {"body": {"progress": {{ PROGRESS }}}}},',
                '-"priority": 50 // the last one',
                '+"events": {"onUpdate": {"body": {"progress": {{ PROGRESS }}}}}',
                "+// the last one",
            ],
        ),
    ],
    ids=str,
)
def test_one_change(changes: dict[str, Any], lines: list[str]) -> None:
    assert diff(changed(**changes)) == lines


def test_a_template_without_quotes_stays_one_unless_it_is_changed() -> None:
    assert fields_of(FILE, "f")["events"] == {"onUpdate": {"body": {"progress": "{{ PROGRESS }}"}}}
    body = {"progress": "{{ PROGRESS }}", "of": "x"}
    after = changed(events={"onUpdate": {"body": body}})
    assert '{"progress": {{ PROGRESS }}, "of": "x"}' in after
    body["progress"] = "{{ SPEED }}"
    assert '{"progress": "{{ SPEED }}", "of": "x"}' in changed(events={"onUpdate": {"body": body}})


def test_lines_keep_their_ends() -> None:
    text = FILE.replace("\n", "\r\n")
    made = edited(text, dict(fields_of(text, "f")) | {"sleep": 7})
    assert made.in_place and made.text == text.replace('"sleep": 5', '"sleep": 7')


@pytest.mark.parametrize("empty", ["{}", "{ }", "{\n}", "{ // nothing yet\n}"])
def test_the_first_field(empty: str) -> None:
    made = edited(empty, {"a": {"b": 1}})
    assert made.in_place and fields_of(made.text, "f") == {"a": {"b": 1}}
    assert ("nothing yet" in made.text) == ("nothing yet" in empty)


def test_an_object_of_one_line_stays_one() -> None:
    assert edited('{"a": 1, "b": 2}', {"b": 2, "c": 3}).text == '{ "b": 2, "c": 3}'
    assert edited('{"a": 1, "b": 2,}', {"a": 1}).text == '{"a": 1,}'
    assert edited('{"a": 1, "b": 2}', {"a": 1}).text == '{"a": 1}'
    assert edited('{"a": 1}', {}).text == "{}"


def test_a_key_with_an_escape() -> None:
    made = edited(r"{/* c */ \u0061b: 1, 'x\'': 2}", {"ab": 2, "x'": 3})
    assert made.in_place and made.text == r"{/* c */ \u0061b: 2, 'x\'': 3}"


def test_very_many_changes_are_written_anew() -> None:
    fields = {str(number): number for number in range(MOST + 1)}
    made = edited("{ /* none */ }", fields)
    assert not made.in_place and json.loads(made.text) == fields


def test_a_comma_at_the_end_stays() -> None:
    assert edited('{"a": 1,}', {"a": 1, "b": 2}).text == '{"a": 1, "b": 2,}'
    assert (
        edited('{\n  "a": 1, // x\n}', {"a": 1, "b": 2}).text == '{\n  "a": 1, // x\n  "b": 2,\n}'
    )


def test_how_values_are_written() -> None:
    value = {"a": [1, "é"], "b": [], "c": {}, "d": ["x" * 40, "y" * 40], "e": [{"f": [None]}]}
    text = dumped(value)
    assert json.loads(text) == value
    assert '"a": [1, "é"],\n    "b": [],\n    "c": {},\n    "d": [\n        "xxx' in text
    assert '"e": [\n        {\n            "f": [null]\n        }\n    ]\n}' in text


def test_one_is_not_true() -> None:
    assert edited('{"a": 1}', {"a": True}).text == '{"a": true}'
    assert edited('{"a": 1}', {"a": 1.0}).text == '{"a": 1}'


def test_a_template_is_written_without_quotes() -> None:
    document = parse('{"a": [{{ X }}, "{{ Y }}"]}', "f")
    assert json.dumps(plain(document.value)) == '{"a": ["{{ X }}", "{{ Y }}"]}'
    assert parse(dumped(document.value), "f").value == document.value


keys = st.text(alphabet='ab"\\é{} /*', min_size=0, max_size=3)
scalars = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(alphabet="a\"'\\\n{}/*,:", max_size=4)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(keys, values, max_size=4)


@given(objects, objects, st.sampled_from([None, 2]))
def test_any_change_of_any_object(before: Any, after: Any, indent: int | None) -> None:
    made = edited(json.dumps(before, indent=indent, ensure_ascii=False), after)
    assert made.in_place and fields_of(made.text, "f") == after
