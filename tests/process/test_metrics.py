import asyncio
import logging
import math
import os
import re
import socket
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import pytest

from cargo_sync.config.process_shape import MetricsSettings, ProcessSettings
from cargo_sync.process.alongside import alongside
from cargo_sync.process.doors import Doors
from cargo_sync.process.metrics import Family, exposition
from cargo_sync.process.scrape import Scrape
from cargo_sync.process.service import Service
from cargo_sync.process.vitals import Vitals


def test_the_text() -> None:
    families = [
        Family("cargo_files_total", "counter", "Files\\delivered.\nAll.", [
            ({"job": 'a "b"\\\n\udcff', "direction": "upload"}, 3),
            ({"job": "é", "direction": "download"}, 2**53),
        ]),
        Family("empty", "gauge", "Nothing.", []),
        Family.one("odd", "gauge", "Odd.", math.inf),
        Family.one("odder", "gauge", "Odder.", 0.25),
    ]  # fmt: skip
    assert exposition(families) == (
        "# HELP cargo_files_total Files\\\\delivered.\\nAll.\n"
        "# TYPE cargo_files_total counter\n"
        'cargo_files_total{job="a \\"b\\"\\\\\\n\\udcff",direction="upload"} 3\n'
        'cargo_files_total{job="é",direction="download"} 9007199254740992\n'
        "# HELP odd Odd.\n# TYPE odd gauge\nodd +Inf\n"
        "# HELP odder Odder.\n# TYPE odder gauge\nodder 0.25\n"
    )


def test_the_vital_signs(tmp_path: object) -> None:
    state = f"{tmp_path}/state.db"
    with open(state, "wb") as file:
        file.write(b"x" * 123)
    found = {family.name: family.samples[0][1] for family in Vitals(state).families()}
    assert found["cargo_state_bytes"] == 123
    assert found["process_resident_memory_bytes"] > 10_000_000
    assert found["process_threads"] >= 1
    assert 3 <= found["process_open_fds"] <= found["process_max_fds"]


def source() -> Iterable[Family]:
    yield Family.one("cargo_test", "gauge", "A test.", 7)


async def up(scrape: Scrape) -> str:
    while scrape.port is None:
        await asyncio.sleep(0.001)
    return f"http://127.0.0.1:{scrape.port}"


async def test_a_scrape(caplog: pytest.LogCaptureFixture) -> None:
    scrape = Scrape(MetricsSettings("127.0.0.1", 0), [source], Doors())
    serving = asyncio.create_task(scrape.run())
    base = await up(scrape)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base}/metrics") as response:
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert "aiohttp" not in response.headers["Server"]
            assert (
                await response.text()
                == "# HELP cargo_test A test.\n# TYPE cargo_test gauge\ncargo_test 7\n"
            )
        async with session.get(f"{base}/") as response:
            assert (response.status, response.headers["Server"]) == (404, "Cargo")
        async with session.post(f"{base}/metrics", data=b"x" * 100) as response:
            assert (response.status, response.headers["Server"]) == (405, "Cargo")
    caplog.set_level(logging.DEBUG)
    reader, writer = await asyncio.open_connection("127.0.0.1", scrape.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nbad header\r\n\r\n")
    async with asyncio.timeout(60):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    assert head.split()[1] == "400" and "\r\nServer: Cargo\r\n" in head
    assert not any(record.exc_info for record in caplog.records)
    serving.cancel()
    await asyncio.wait({serving})
    assert scrape.port is None


async def test_a_port_that_is_taken_is_said_once_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = ProcessSettings(metrics=MetricsSettings("127.0.0.1", taken.getsockname()[1]))
        running = asyncio.create_task(alongside(settings, Service(), os.devnull, [source], Doors()))
        while not caplog.records:
            await asyncio.sleep(0.001)
        assert not running.done()
        assert "metrics cannot be served at 127.0.0.1:" in caplog.text
        running.cancel()
        await asyncio.wait({running})


async def test_without_a_place_to_listen_nothing_runs_beside() -> None:
    before = asyncio.all_tasks()
    await alongside(ProcessSettings(), Service(), os.devnull, [source], Doors())
    assert asyncio.all_tasks() == before


def test_every_metric_is_in_the_documentation() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "metrics.md").read_text()
    sources = (
        "process/vitals.py",
        "daemon/reporting/metrics.py",
        "server/reporting/metrics.py",
        "node/metrics.py",
    )
    names = {
        name
        for source in sources
        for name in re.findall(
            r'"((?:cargo|process)_\w+)"', (root / "cargo_sync" / source).read_text()
        )
    }
    assert len(names) > 20
    assert [name for name in sorted(names) if not re.search(rf"`{name}[`{{]", page)] == []
