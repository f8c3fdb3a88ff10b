"""The example files of the Cargo client's own pages load as people paste them.

The Spanish page is taken as it is printed. The stored English page lost its outer braces, some closing ones
and its addresses: those, and nothing else, are put back.
"""

import textwrap
from pathlib import Path

import pytest

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
def test_the_events_in_the_job(tmp_path: Path, job: str, events: str, spacing: str, body: object) -> None:
    pasted = job.replace('"events": {}', textwrap.dedent(events).strip())
    assert load(tmp_path, pasted).events == (
        EventSettings("onStart", "POST", "https://api.my-system.com/cargo", body),
        EventSettings("onError", "GET", f"https://api.my-system.com/cargo/{spacing}"),
    )


def test_with_comments_in_between(tmp_path: Path) -> None:
    commented = ENGLISH_JOB.replace('"speed"', '// at night\n /* was: "1mbps" */ "speed"')
    assert load(tmp_path, commented).speed == 10_000_000
