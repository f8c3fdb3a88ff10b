"""The metrics of a node, as docs/metrics.md lists them."""

from collections.abc import Iterable
from contextlib import suppress

from cargo_sync.model.jobs import DIRECTIONS
from cargo_sync.model.problems import ProblemError
from cargo_sync.node.flows import NodeFlows
from cargo_sync.node.scrubbing import Scrubbing
from cargo_sync.process.doors import Doors
from cargo_sync.process.metrics import Family
from cargo_sync.stores.blobs import BlobFolder


def families(
    blobs: BlobFolder, flows: NodeFlows, scrubbing: Scrubbing, doors: Doors
) -> Iterable[Family]:
    """The metrics now."""
    with suppress(ProblemError):  # the disk does not say what is free
        room = blobs.room()
        yield Family.one("cargo_node_blobs", "gauge", "Contents that are kept.", room.blobs)
        yield Family.one("cargo_node_used_bytes", "gauge", "Their bytes.", room.used)
        yield Family.one(
            "cargo_node_free_bytes", "gauge", "Bytes that may still be kept.", room.free
        )
    yield Family.one(
        "cargo_node_damaged_blobs",
        "gauge",
        "Contents that were found damaged, and are not replaced yet.",
        len(blobs.damaged),
    )
    count = flows.count()
    yield Family(
        "cargo_node_lanes",
        "gauge",
        "Lanes that run.",
        [({"direction": mode.value}, count[mode]) for mode in DIRECTIONS],
    )
    yield Family(
        "cargo_node_content_bytes_total",
        "counter",
        "Bytes of content that came (upload) and went (download).",
        [({"direction": mode.value}, flows.moved(mode)) for mode in DIRECTIONS],
    )
    place = scrubbing.scrub.place
    yield Family.one(
        "cargo_node_scrub_bytes", "gauge", "Bytes that this scrub, or the last, read.", place.bytes
    )
    yield Family.one(
        "cargo_node_scrub_active", "gauge", "Whether a scrub is under way.", scrubbing.is_under_way
    )
    yield Family.one(
        "cargo_node_dropped_connections_total",
        "counter",
        "Connections that were dropped before their client proved who it is.",
        doors.dropped,
    )
