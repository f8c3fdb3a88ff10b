"""The scope of looks, as transcripts: what happens, and what the next look looks at."""

from collections.abc import Collection

import pytest

from cargo_sync.machines.scope import FEW, NearScope

ALL = None


class Job:
    """A job's scope with a clock; `look` is one look, from its beginning to its end."""

    def __init__(self, interval: float = 100.0) -> None:
        self.now = 0.0
        self.scope = NearScope(interval)
        self.scope.trust(True)

    def look(self, left: Collection[str] = (), *, missed: bool = False) -> set[str] | None:
        knows = self.scope.knows(self.now)
        looked = self.scope.begin(self.now)
        assert knows is (looked is not ALL)
        self.scope.ended(left, missed=missed)
        return None if looked is None else set(looked)


@pytest.fixture
def job() -> Job:
    """A job that has looked at everything."""
    job = Job()
    assert job.look() is ALL
    return job


def test_after_a_look_at_everything_only_hints_count(job: Job) -> None:
    assert job.look() == set()
    job.scope.hinted({"a", "b/c"})
    job.scope.hinted({"a"})
    assert job.look() == {"a", "b/c"}
    assert job.look() == set()


def test_a_hint_during_a_look_counts_for_the_next_one(job: Job) -> None:
    job.scope.begin(0.0)
    job.scope.hinted({"a"})
    job.scope.ended((), missed=False)
    assert job.look() == {"a"}


def test_a_hint_during_a_look_at_everything_counts_too() -> None:
    job = Job()
    job.scope.hinted({"before"})
    assert job.scope.begin(0.0) is ALL
    job.scope.hinted({"during"})
    job.scope.ended((), missed=False)
    assert job.look() == {"during"}


def test_every_interval_it_is_everything_counted_from_the_beginning(job: Job) -> None:
    job.now = 99.0
    assert job.look() == set()
    job.now = 100.0
    assert job.scope.begin(100.0) is ALL
    job.now = 150.0
    job.scope.ended((), missed=False)
    job.now = 199.0
    assert job.look() == set()
    job.now = 200.0
    assert job.look() is ALL


@pytest.mark.parametrize(("chance", "interval"), [(0.0, 50.0), (0.5, 75.0), (1.0, 100.0)])
def test_jobs_that_begin_together_are_spread(chance: float, interval: float) -> None:
    scope = NearScope(100.0, chance)
    scope.trust(True)
    scope.begin(0.0)
    scope.ended((), missed=False)
    assert scope.begin(interval - 1.0) is not ALL
    scope.ended((), missed=False)
    assert scope.begin(interval) is ALL


@pytest.mark.parametrize("during", [False, True])
def test_lost_hints_mean_everything(job: Job, during: bool) -> None:
    if during:
        job.scope.begin(0.0)
        job.scope.hinted(None)
        job.scope.ended((), missed=False)
    else:
        job.scope.hinted(None)
    assert job.look() is ALL
    assert job.look() == set()


def test_hints_that_were_lost_during_a_look_at_everything_mean_another_one() -> None:
    job = Job()
    assert job.scope.begin(0.0) is ALL
    job.scope.hinted(None)
    job.scope.ended((), missed=False)
    assert job.look() is ALL


def test_too_many_hints_mean_everything(job: Job) -> None:
    job.scope.hinted({f"{number}" for number in range(FEW + 1)})
    assert job.look() is ALL


def test_a_look_that_does_not_end_means_everything(job: Job) -> None:
    job.scope.hinted({"a"})
    job.scope.begin(0.0)
    assert job.look() is ALL


def test_a_folder_that_could_not_be_read_means_everything(job: Job) -> None:
    assert job.look(missed=True) == set()
    assert job.look(missed=True) is ALL
    assert job.look() is ALL
    assert job.look() == set()


def test_folders_with_names_that_are_left_out_are_looked_at_each_time(job: Job) -> None:
    assert job.look(["odd"]) == set()
    assert job.look(["odd"]) == {"odd"}
    job.scope.hinted({"a"})
    assert job.look() == {"odd", "a"}
    assert job.look() == set()


def test_without_trust_it_is_always_everything(job: Job) -> None:
    job.scope.trust(False)
    assert [job.look(), job.look()] == [ALL, ALL]
    job.scope.trust(True)
    assert job.look() is ALL
    job.scope.trust(True)  # as before
    assert job.look() == set()


def test_a_look_that_began_without_trust_says_nothing(job: Job) -> None:
    job.scope.trust(False)
    assert job.scope.begin(0.0) is ALL
    job.scope.trust(True)
    job.scope.ended((), missed=False)
    assert job.look() is ALL
