from cargo_sync.config.remote_address import RemoteKind
from cargo_sync.daemon.far.choice import FOLDERS


def test_job_files_may_name_exactly_what_the_daemon_can_reach() -> None:
    """Else a job would be accepted that can never run, or a tree would be out of reach."""
    assert {RemoteKind.CARGO, *FOLDERS} == set(RemoteKind)
