"""The metrics of a server that need no server to be seen."""

from cargo_sync.machines.nodes.states import NodeState
from cargo_sync.process.metrics import exposition
from cargo_sync.server.reporting.metrics import of_nodes


def test_nodes_are_counted_by_their_state() -> None:
    assert list(of_nodes([])) == []
    told = exposition(of_nodes([NodeState.UP, NodeState.DOWN, NodeState.UP]))
    assert 'cargo_server_nodes{state="up"} 2' in told
    assert 'cargo_server_nodes{state="down"} 1' in told
    assert 'cargo_server_nodes{state="gone"} 0' in told
    assert "removed" not in told
