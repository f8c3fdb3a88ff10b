"""The daemon's sync jobs: jobs, sync, plan."""

import time

from cargo_ctl import answers
from cargo_ctl.answers import PlanPage
from cargo_ctl.render import jobs as words
from cargo_ctl.render import plan as plan_words
from cargo_ctl.shell.state import Shell
from cargo_ctl.shell.verbs import Completes, Given, ShellVerb

_POLL = 0.2
_LISTED = 1000


def jobs(shell: Shell, _given: Given) -> None:
    """List the daemon's sync jobs."""
    result = shell.session.client.call("job.list")
    shell.output.show(result, words.job_list(result, time.time()))


def sync(shell: Shell, given: Given) -> None:
    """Tell a job to look for changes now."""
    name = given.options.words[0].text
    result = shell.session.client.call("job.sync", {"job": name})
    shell.output.show(result, words.started(name, result))


def plan(shell: Shell, given: Given) -> None:
    """Show what the next run of a job would do."""
    name = given.options.words[0].text
    run = answers.text(shell.session.client.call("job.plan", {"job": name}), "run")
    page = _page(shell, name, run)
    while not page.ready:
        time.sleep(_POLL)
        page = _page(shell, name, run)
    actions = page.actions
    lines = []
    if actions:
        heading = plan_words.heading(two_way="direction" in actions[0])
        lines = [heading, plan_words.actions(actions)]
    lines.append(plan_words.totals(name, page.totals, len(actions), page.next is not None))
    shell.output.show({"run": run, "totals": page.totals, "actions": actions}, "\n".join(lines))


def _page(shell: Shell, name: str, run: str) -> PlanPage:
    args = {"job": name, "run": run, "after": 0, "limit": _LISTED}
    return answers.plan_page(shell.session.client.call("job.plan", args))


VERBS = (
    ShellVerb("jobs", "", "list the daemon's sync jobs with their states", jobs),
    ShellVerb(
        "sync",
        "<job>",
        "tell a job to look for changes now",
        sync,
        least=1,
        most=1,
        examples=("sync nightly",),
        completes=Completes.JOB,
    ),
    ShellVerb(
        "plan",
        "<job>",
        "show what the next run of a job would do, without doing it",
        plan,
        least=1,
        most=1,
        examples=("plan nightly",),
        completes=Completes.JOB,
    ),
)
