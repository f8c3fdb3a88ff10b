"""Tab completion in bash, zsh and fish: click's machinery, but names may contain any character.

The scripts that come with click split names at spaces (bash) or commas (fish), or expand them as
patterns. Here each name is on its own line, quoted as the shell needs it. If anything fails, the
shell gets an empty answer.
"""

import os
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class

from cargo_ctl.render.words import escaped
from cargo_ctl.shells import for_bash, taken_apart

_BASH = """\
%(complete_func)s() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            dir,*) compopt -o dirnames ;;
            file,*) compopt -o default ;;
            plain,*) COMPREPLY+=("${line#plain,}") ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_BREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local kind name help
    local -a response names shown
    (( ! $+commands[%(prog_name)s] )) && return 1
    response=("${(@f)$(env COMP_WORDS="${(F)${(@Q)words[1,CURRENT-1]}}" \\
        COMP_CURRENT="${(Q)PREFIX}" %(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    for kind name help in "${response[@]}"; do
        case $kind in
            plain) names+=("$name"); shown+=("$name${help:+  -- $help}") ;;
            dir) _path_files -/ ;;
            file) _path_files ;;
        esac
    done
    (( $#names )) && compadd -l -V unsorted -d shown -a names
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
function %(complete_func)s
    set -l response (env COMP_WORDS=(commandline -opc | string collect) \\
        COMP_CURRENT=(commandline -ct) %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
    for completion in $response
        set -l parts (string split -m 1 , -- $completion)
        switch $parts[1]
            case dir
                __fish_complete_directories (commandline -ct)
            case file
                __fish_complete_path (commandline -ct)
            case plain
                echo -- $parts[2]
        end
    end
end

complete --no-files --keep-order --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class _AnyName(ShellComplete):
    """What the three shells have in common: an error is an empty answer."""

    def complete(self) -> str:
        try:
            return super().complete()
        except Exception:
            return ""

    def get_completion_args(self) -> tuple[list[str], str]:
        return os.environ["COMP_WORDS"].split("\n")[1:], os.environ["COMP_CURRENT"]


class _Bash(_AnyName):
    name = "bash"
    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        self._line = taken_apart(os.environ["COMP_LINE"], os.environ.get("COMP_BREAKS", ""))
        return self._line.words[1:], self._line.incomplete

    def format_completion(self, item: "CompletionItem[Any]") -> str:
        return f"{item.type},{for_bash(escaped(item.value), self._line)}"


class _Zsh(_AnyName):
    name = "zsh"
    source_template = _ZSH

    def format_completion(self, item: "CompletionItem[Any]") -> str:
        return f"{item.type}\n{escaped(item.value)}\n{escaped(item.help or '')}"


class _Fish(_AnyName):
    name = "fish"
    source_template = _FISH

    def get_completion_args(self) -> tuple[list[str], str]:
        # fish passes the word at the cursor as it was typed; its quotes are those of a POSIX shell.
        words, current = super().get_completion_args()
        return words, taken_apart(current).incomplete

    def format_completion(self, item: "CompletionItem[Any]") -> str:
        help = f"\t{escaped(item.help)}" if item.help else ""
        return f"{item.type},{escaped(item.value)}{help}"


SHELLS: tuple[type[_AnyName], ...] = (_Bash, _Zsh, _Fish)


def register() -> None:
    """Register these classes with click, for the process that a shell starts at Tab."""
    for shell in SHELLS:
        add_completion_class(shell)


def script(shell: str, command: click.Command, program: str) -> str:
    """The script that `shell` must run once, so that Tab completes `program`."""
    chosen = next(each for each in SHELLS if each.name == shell)
    return chosen(command, {}, program, variable(program)).source()


def variable(program: str) -> str:
    """The environment variable that tells click to complete."""
    return f"_{program.upper()}_COMPLETE"
