from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, LINK, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.state.database import Database
from cargo_sync.state.planned import Planned

UP, DOWN = Mode.UPLOAD, Mode.DOWNLOAD
PUT = Action(
    Op.PUT, "it's/👍", Entry("👍", FILE, 5, -1, 0o600, 2**62, 2**64 - 1, "ab" * 32), None, "new"
)
DELETE = Action(
    Op.DELETE, "b", None, Entry("b", LINK, target='../"x"'), "gone at the source", drifted=True
)


def test_a_plan_is_read_in_pages_from_either_end(daemon: Database) -> None:
    planned = Planned(daemon)
    planned.begin("run-1", "j", 10.0)
    planned.add("run-1", [PUT, DELETE], UP)
    planned.add("run-1", [], UP)
    planned.add("run-1", [PUT], UP)
    page = planned.page("run-1", 0, 2)
    assert page and (page.job, page.time, page.totals) == ("j", 10.0, None)
    assert page.actions == [(1, UP, PUT), (2, UP, DELETE)]
    planned.ready("run-1", {"files": 2})
    page = planned.page("run-1", 2, 2)
    assert page and (page.actions, page.totals) == ([(3, UP, PUT)], {"files": 2})
    page = planned.back("run-1", 3, 2)
    assert page and page.actions == [(2, UP, DELETE), (1, UP, PUT)]


def test_each_direction_of_a_plan_is_read_alone(daemon: Database) -> None:
    planned = Planned(daemon)
    planned.begin("run", "j", 1.0)
    planned.add("run", [PUT], UP)
    planned.add("run", [DELETE, PUT], DOWN)
    planned.add("run", [DELETE], UP)
    pages = [planned.page("run", 0, 9, UP), planned.page("run", 2, 9, DOWN)]
    pages.append(planned.back("run", 4, 9, DOWN))
    assert [page and page.actions for page in pages] == [
        [(1, UP, PUT), (4, UP, DELETE)],
        [(3, DOWN, PUT)],
        [(3, DOWN, PUT), (2, DOWN, DELETE)],
    ]


def test_a_large_plan_goes_in_parts(daemon: Database) -> None:
    planned = Planned(daemon)
    planned.begin("run", "j", 1.0)
    planned.add("run", [PUT] * 5, UP)
    left = []
    while planned.drop("run", 2):
        page = planned.page("run", 0, 9)
        assert page
        left.append([one.number for one in page.actions])
    assert left == [[3, 4, 5], [5]]
    assert planned.page("run", 0, 9) is None


def test_plans_go_with_time_or_by_name(daemon: Database) -> None:
    planned = Planned(daemon)
    for time, run in enumerate(("old", "new", "other")):
        planned.begin(run, "j", float(time))
        planned.add(run, [PUT], UP)
    planned.purge(1.0)
    assert not planned.drop("other")
    assert [planned.page(run, 0, 1) is None for run in ("old", "new", "other")] == [
        True,
        False,
        True,
    ]
    planned.begin("new", "j", 5.0)
    page = planned.page("new", 0, 1)
    assert page and page.actions == []
    with daemon.read() as connection:
        assert connection.execute("SELECT count(*) FROM planned_action").fetchone() == (0,)
