"""`cargo_ctl top`: the jobs on the whole screen."""

import contextlib
import sys

import click

from cargo_ctl.reach import BAD_INPUT, Reach, reaching


@click.command()
@reaching
def top(reach: Reach) -> None:
    """Show the jobs on the whole screen, those that need a person first, with keys for them.

    \b
    Keys:
      arrows, j k   choose a job        p   pause or start it
      PgUp PgDn     a page further      s   look for changes now
      Home End      the first, last     l   limit its speed
      q             quit                a   approve what it holds

    It needs a terminal; `watch` does not.

    \b
    Example:
      cargo_ctl top
    """
    if reach.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        hint = "`cargo_ctl watch` and `cargo_ctl feed` do without"
        reach.fail(BAD_INPUT, "no_terminal", "top needs a terminal", hint)
    if reach.kind() == "server":
        hint = "`cargo_ctl watch --server` shows its flows"
        reach.fail(BAD_INPUT, "bad_address", "top shows the jobs of a daemon", hint)
    from cargo_ctl.top.screen import run_top

    with contextlib.suppress(KeyboardInterrupt), reach.ending():
        run_top(reach.addresses())
