"""The client itself: use, quit. The command help is in `shell.table`, which knows all commands."""

from cargo_ctl.render.table import table
from cargo_ctl.render.words import escaped
from cargo_ctl.shell.state import CommandFailed, Shell
from cargo_ctl.shell.verbs import Completes, Given, ShellVerb


def use(shell: Shell, given: Given) -> None:
    """Change to another workspace, or list them."""
    words = given.options.words
    if words:
        shell.session.use(words[0].text)
        shell.here = shell.here.in_workspace(shell.session.workspace)
        shell.changes += 1
    spaces = shell.session.workspaces
    if not spaces and not words:
        raise CommandFailed("this server has no workspaces", code="unsupported")
    rows = [
        (
            "*" if each.name == shell.here.workspace else "",
            escaped(each.name),
            escaped(each.access),
        )
        for each in spaces
    ]
    text = (
        f"workspace {escaped(shell.here.workspace)}"
        if words
        else table(("", "WORKSPACE", "ACCESS"), rows)
    )
    shell.output.show(
        {"workspace": shell.here.workspace, "workspaces": [each._asdict() for each in spaces]}, text
    )


def leave(shell: Shell, _given: Given) -> None:
    """End the client."""
    shell.ended = True


VERBS = (
    ShellVerb(
        "use",
        "[<workspace>]",
        "change to another workspace; without an argument, list them",
        use,
        most=1,
        examples=("use archive",),
        completes=Completes.WORKSPACE,
    ),
    ShellVerb("quit", "", "end the client", leave, aliases=("exit", "bye")),
)
