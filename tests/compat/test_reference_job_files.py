"""The example files of the Cargo client's own pages load as pasted, and what they say of fields
holds.

The Spanish page is taken as it is printed. The stored English page lost its outer braces, some
closing ones and its addresses: those, and nothing else, are put back.
"""

import textwrap
from collections.abc import Iterable
from pathlib import Path

import pytest

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.events import EventSettings
from cargo_sync.config.job import JobSettings, load_job
from cargo_sync.config.relaxed import Raw
from cargo_sync.config.timetable import Window

SPANISH_JOB = """
    {
        "sync_name": "Nombre",
        "sync_mode": "download",
        "local_dir": "/CagoPlay/test/",
        "remote_dir": "/",
        "username": "test",
        "password": "test",
        "speed": "10mbps",
        "hostname": "https://cargo.cexar.io",
        "sleep": 3,
        "events": {},
    }
"""

SPANISH_EVENTS = """
    "events": {
        "onStart": {
           "method": "POST",
           "url": "https://api.my-system.com/cargo",
           "body": { "foo": {{ FILE_NAME }} }
        },
        "onError": {
           "method": "GET",
           "url": "https://api.my-system.com/cargo/{{ FILE_NAME }}",
        }
     }
"""

ENGLISH_JOB = """
{
    "sync_name": "Name of the Job",
    "sync_mode": "download",
    "start_time": "10:00pm",
    "end_time": "12:00am",
    "local_dir": "/CagoPlay/test/",
    "remote_dir": "/",
    "username": "test",
    "password": "test",
    "speed": "10mbps",
    "hostname": "https://cargo.cexar.io",
    "sleep": 3,
    "events": {},
}
"""

ENGLISH_EVENTS = """
"events": {
    "onStart": {
       "method": "POST",
       "url": "https://api.my-system.com/cargo",
       "body": { "foo": "{{FILE_NAME}}" }
    },
    "onError": {
       "method": "GET",
       "url": "https://api.my-system.com/cargo/{{FILE_NAME}}",
    }
}
"""


def load(folder: Path, text: str) -> JobSettings:
    path = folder / "job.json"
    path.write_text(text)
    path.chmod(0o600)
    return load_job(str(path), {})


@pytest.mark.parametrize(
    ("text", "name", "window"),
    [(SPANISH_JOB, "Nombre", None), (ENGLISH_JOB, "Name of the Job", Window(22 * 60, 24 * 60))],
    ids=["es", "en"],
)
def test_the_job(tmp_path: Path, text: str, name: str, window: Window | None) -> None:
    job = load(tmp_path, text)
    assert (job.name, job.mode, job.window) == (name, "download", window)
    assert (job.local_dir, job.remote_dir) == ("/CagoPlay/test", "")
    assert (job.username, job.password.reveal()) == ("test", "test")
    assert (job.url, job.speed, job.sleep) == ("https://cargo.cexar.io:8443", 10_000_000, 3)
    assert (job.events, job.warnings) == ((), ())


@pytest.mark.parametrize(
    ("job", "events", "spacing", "body"),
    [
        (SPANISH_JOB, SPANISH_EVENTS, "{{ FILE_NAME }}", {"foo": Raw("FILE_NAME")}),
        (ENGLISH_JOB, ENGLISH_EVENTS, "{{FILE_NAME}}", {"foo": "{{FILE_NAME}}"}),
    ],
    ids=["es", "en"],
)
def test_the_events_in_the_job(
    tmp_path: Path, job: str, events: str, spacing: str, body: object
) -> None:
    pasted = job.replace('"events": {}', textwrap.dedent(events).strip())
    assert load(tmp_path, pasted).events == (
        EventSettings("onStart", "POST", "https://api.my-system.com/cargo", body),
        EventSettings("onError", "GET", f"https://api.my-system.com/cargo/{spacing}"),
    )


def test_with_comments_in_between(tmp_path: Path) -> None:
    commented = ENGLISH_JOB.replace('"speed"', '// at night\n /* was: "1mbps" */ "speed"')
    assert load(tmp_path, commented).speed == 10_000_000


@pytest.mark.parametrize("text", ["10mbps", "10000kbps", "10000000bps"])
def test_the_three_units_of_speed(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, ENGLISH_JOB.replace("10mbps", text)).speed == 10_000_000


def test_either_mode_and_no_other(tmp_path: Path) -> None:
    assert load(tmp_path, SPANISH_JOB.replace("download", "upload")).mode == "upload"
    with pytest.raises(ConfigError, match='expected: "upload", "download" or "bidirectional"'):
        load(tmp_path, SPANISH_JOB.replace("download", "both"))


OPTIONAL = ("start_time", "end_time", "speed", "sleep", "events")
"""Those that a page calls so, and two that have a usual value."""


def test_what_is_optional_may_be_left_out(tmp_path: Path) -> None:
    lines = [
        line for line in ENGLISH_JOB.splitlines() if not any(field in line for field in OPTIONAL)
    ]
    job = load(tmp_path, "\n".join(lines))
    assert (job.window, job.speed, job.sleep, job.events) == (None, None, 3, ())


USUAL = ("FILE_NAME", "TRANSFER_ID", "SYNC_NAME", "SYNC_MODE")
EVENTS = {
    "onStart": USUAL,
    "onFinish": (*USUAL, "AVG_SPEED", "DURATION", "LOST_FRAMES", "AVG_RTT"),
    "onError": (*USUAL, "ERROR"),
    "onUpdate": (*USUAL, "PROGRESS", "SPEED"),
}


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_takes_its_variables_in_url_and_body_and_no_others(
    tmp_path: Path, event: str
) -> None:
    def with_variables(names: Iterable[str]) -> str:
        query = "&".join(f"{name}={{{{{name}}}}}" for name in names)
        body = ", ".join(f'"{name}": {{{{ {name} }}}}' for name in names)
        request = f'{{"method": "POST", "url": "https://a.example/?{query}", "body": {{{body}}}}}'
        return SPANISH_JOB.replace('"events": {}', f'"events": {{"{event}": {request}}}')

    [loaded] = load(tmp_path, with_variables(EVENTS[event])).events
    assert loaded.body == {name: Raw(name) for name in EVENTS[event]}
    others = {name for names in EVENTS.values() for name in names} - set(EVENTS[event])
    for name in sorted(others):
        with pytest.raises(ConfigError, match=name):
            load(tmp_path, with_variables([name]))


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE", "UPDATE"])
def test_the_methods_of_both_pages_of_which_post_needs_a_body(tmp_path: Path, method: str) -> None:
    def with_body(body: str) -> str:
        request = f'{{"method": "{method}", "url": "https://a.example/"{body}}}'
        return ENGLISH_JOB.replace('"events": {}', f'"events": {{"onStart": {request}}}')

    [loaded] = load(tmp_path, with_body(', "body": {"a": 1}')).events
    assert loaded.method == method
    if method == "POST":
        with pytest.raises(ConfigError, match="POST needs one"):
            load(tmp_path, with_body(""))
    else:
        assert load(tmp_path, with_body("")).events[0].body is None
