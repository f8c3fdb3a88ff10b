"""A name arrives as itself, whatever is in it."""

import json
from typing import Any
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.config.relaxed import Raw, parse
from cargo_sync.webhooks.templates import in_body, in_url

NASTY = "a \"b\" 'c' \\ & ? # % + / é 👍 \n\r\t\x00\x7f {{ ERROR }} {{FILE_NAME}} </script>"
names = st.text(min_size=1) | st.sampled_from(
    [NASTY, "{{ FILE_NAME }}", "..", "%2e%2e", "a/b c", "\u2028"]
)


@given(names)
def test_in_a_body(name: str) -> None:
    body = {
        "raw": Raw("FILE_NAME"),
        "text": "<{{ FILE_NAME }}|{{FILE_NAME}}>",
        "{{ FILE_NAME }}": [Raw("FILE_NAME"), {"deep": "{{ FILE_NAME }}"}],
    }
    told = json.loads(in_body(body, {"FILE_NAME": name}))
    assert told["raw"] == name
    assert told["text"] == f"<{name}|{name}>"
    if name not in ("raw", "text"):
        assert told[name] == [name, {"deep": name}]


@given(names)
def test_in_a_url(name: str) -> None:
    url = in_url("https://h/x/{{ FILE_NAME }}/y?q={{FILE_NAME}}&r=1", {"FILE_NAME": name})
    assert url.isascii() and url.isprintable() and " " not in url
    path, _, query = url.removeprefix("https://h/").partition("?")
    assert [unquote(part) for part in path.split("/")] == ["x", name, "y"]
    assert [unquote(part) for part in query.split("&")] == [f"q={name}", "r=1"]


def filled(text: str, **variables: Any) -> str:
    """The body of a file, as a job's author writes it."""
    document = parse(f'{{"body": {text}}}', "job.json")
    return in_body(document.value["body"], variables).decode()


def test_values_keep_their_types_outside_quotes_and_are_text_inside() -> None:
    text = '{"n": {{ LOST_FRAMES }}, "s": "{{ LOST_FRAMES }} of {{AVG_RTT}}", "r": {{AVG_RTT}}}'
    assert filled(text, LOST_FRAMES=3, AVG_RTT=0.25) == '{"n":3,"s":"3 of 0.25","r":0.25}'
    assert filled(text, LOST_FRAMES=None, AVG_RTT=None) == '{"n":null,"s":" of ","r":null}'
    assert filled(text) == '{"n":null,"s":" of ","r":null}', "what an older release did not keep"


def test_a_body_may_be_any_json() -> None:
    assert filled("{{ FILE_NAME }}", FILE_NAME="a") == '"a"'
    assert filled('[1, true, null, 1e400, 123456789012345678901, "é"]') == (
        '[1,true,null,null,123456789012345678901,"é"]'
    )


def test_the_table_of_the_page() -> None:
    name = 'a "b" & é.txt'
    assert filled("{{ X }}", X=name) == '"a \\"b\\" & é.txt"'
    assert in_url("{{ X }}", {"X": name}) == "a%20%22b%22%20%26%20%C3%A9.txt"


def test_what_the_author_wrote_stays_as_it_is_but_for_what_no_url_may_hold() -> None:
    assert (
        in_url("http://u:p@h:8/%2f/é x?a=b;c&d#e", {}) == "http://u:p@h:8/%2f/%C3%A9%20x?a=b;c&d#e"
    )
