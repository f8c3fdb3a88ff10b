"""One story, from its beginning to its end, and what became of each version."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.e2e.processes import PASSWORD, USER
from tests.remotes.installed import of_python
from tests.shared_bucket.diary import Diary, Side
from tests.shared_bucket.findings import alike, findings
from tests.shared_bucket.people import Author, FolderPerson, HttpPerson, Person, RclonePerson
from tests.shared_bucket.place import SharedBucket
from tests.shared_bucket.verdict import Fate, Findings, Verdict, judge


class Plan(NamedTuple):
    """A story.

    steps    of each person, at most
    seconds  in which people change files, at most
    pause    seconds between two steps of a person, on average
    turn     seconds in which a job follows the bucket, then as long the server; 0: until it has
             nothing left to do
    """

    seed: str = "1"
    steps: int = 1_000_000
    seconds: float = 1_800.0
    pause: float = 2.0
    turn: float = 10.0


@dataclass
class Story:
    """What happened.

    rounds  turns of both jobs after people had stopped, until all sides were alike
    broken  why a person could not go on
    """

    diary: Diary = field(default_factory=Diary)
    steps: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    rounds: int = 0
    broken: list[str] = field(default_factory=list)


def tell(place: SharedBucket, plan: Plan, *, versions: bool) -> tuple[Story, Findings, Verdict]:
    """Tells a story, and judges it."""
    story = Story()
    ended = threading.Event()
    people = _people(place, plan, story.diary)
    threads = [
        threading.Thread(target=_live, args=(one, plan, story, ended), daemon=True)
        for one in people
    ]
    for one in threads:
        one.start()
    end = time.monotonic() + plan.seconds
    try:
        while any(one.is_alive() for one in threads) and time.monotonic() < end:
            _both_turns(place, plan.turn)
            story.turns += 2
    finally:
        ended.set()
        for one in threads:
            one.join()
    while story.rounds < _MOST_ROUNDS:
        _both_turns(place, 0.0)
        story.rounds += 1
        if alike(place):
            break
    found = findings(place, versions=versions)
    verdict = judge(story.diary, found)
    verdict.wrong[:0] = story.broken
    return story, found, verdict


_MOST_ROUNDS = 12


def _people(place: SharedBucket, plan: Plan, diary: Diary) -> Sequence[Person]:
    def author(name: str) -> Author:
        return Author(name, plan.seed, diary)

    return (
        FolderPerson(author("ana"), Side.FOLDER, place.shared, place.folder / "of-ana"),
        FolderPerson(author("ben"), Side.SERVER, place.files, place.folder / "of-ben"),
        HttpPerson(author("cleo"), place.api, (USER, PASSWORD)),
        RclonePerson(
            author("rclone"), of_python("rclone"), place.rclone_place, place.far.environment,
            place.folder / "of-rclone",
        ),
    )  # fmt: skip


def _live(person: Person, plan: Plan, story: Story, ended: threading.Event) -> None:
    chance = Author(f"{person.name}'s pauses", plan.seed, story.diary).chance
    try:
        for _ in range(plan.steps):
            if ended.wait(chance.uniform(0, 2 * plan.pause)):
                return
            person.step()
            story.steps[person.name] += 1
    except Exception as error:
        story.broken.append(f"{person.name}: {type(error).__name__}: {error}")
        raise


def _both_turns(place: SharedBucket, seconds: float) -> None:
    for job in ("bucket", "server"):
        with place.turn(job):
            if seconds:
                time.sleep(seconds)
            else:
                place.one_look(job)


def lines(story: Story, found: Findings, verdict: Verdict) -> Iterator[str]:
    """What is told of it at the end."""
    yield f"{'steps of people':44} {'':>8}"
    for name, count in sorted(story.steps.items()):
        yield f"  {name:42} {count:8,}"
    yield f"{'what became of their versions':44} {len(story.diary.versions):8,}"
    for fate in Fate:
        yield f"  {fate.value:42} {verdict.fates.get(fate, 0):8,}"
    yield "what the history says"
    kinds = Counter((str(row.side), row.kind) for row in found.history)
    for (side, kind), count in sorted(kinds.items()):
        yield f"  {f'{side}: {kind}':42} {count:8,}"
    for one in verdict.moments:
        yield f"in a moment: {one}"
    for one in verdict.wrong[:40]:
        yield f"WRONG: {one}"
    lost = verdict.fates.get(Fate.LOST, 0)
    yield (
        f"{story.turns} turns, then {story.rounds} rounds until all was alike; "
        f"{len(found.current[Side.FOLDER])} files; {lost} lost, "
        f"{verdict.fates.get(Fate.MOMENT, 0)} in a moment, {len(verdict.wrong)} wrong"
    )
