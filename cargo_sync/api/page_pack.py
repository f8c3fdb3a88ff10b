"""A page's files put together for its first picture. Pure.

A page is some 60 small modules. A browser pays for each request, over HTTP/1.1 with six at a time:
30 requests cost it half a second of work on a small machine before a script runs. So its document
refers to one script and one style sheet instead, which are made of the same files when a program
starts. Their names have a hash of their content: a browser keeps them, and asks no more.

The script has what its first module imports. What it and others import later, by `import("…")`, is
in a second script, which the browser gets when one of these is first asked for: reading text that
the first picture does not need would keep it waiting.

Where the document itself has a first picture, its script says `data-after="picture"`: then the
first module runs after that, so that the picture need not wait for it.

In a script each module is a function with a scope of its own, called when it is first needed.
That is less than modules can do. PageError says what cannot be put together: a circle of imports,
and forms of `import` and `export` that no file of ours uses.
"""

import hashlib
import posixpath
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_IMPORT: Final = re.compile(
    r'^import (?:\{(?P<names>[^}]*)\} from )?"(?P<from>\.[^"]+)";$', re.MULTILINE
)
_LATER: Final = re.compile(r'\bimport\("(?P<from>\.[^"]+)"\)')
_EXPORT: Final = re.compile(
    r"^export (?P<what>(?:async )?function|class|const) (?P<name>\w+)", re.MULTILINE
)
_LEFT: Final = re.compile(r"^\s*(?:import\b|export\b)|\bimport\.meta\b", re.MULTILINE)
_USED: Final = re.compile(r'(?P<how>\b(?:src|href)=)"page/(?P<name>[^"]+)"')
_STYLE: Final = '<link rel="stylesheet"'
_PLAIN: Final = "<script src"
_SCRIPT: Final = '<script type="module"'
_AFTER: Final = ' data-after="picture"'
_OURS: Final = re.compile(r"\$(?:need|later|modules|begin)\b")
_HEAD: Final = """\
//# allFunctionsCalledOnLoad
const $modules = {};
const $made = new Map();
function $need(name) {
  if (!$made.has(name)) $made.set(name, $modules[name]());
  return $made.get(name);
}
"""
_LATER_HEAD: Final = """\
let $second = null;
function $later(name) {
  $second ??= import("./%s").then(
    ({ add }) => add($modules, $need, $later),
    (error) => {
      $second = null; // the next one asks again
      throw error;
    },
  );
  return $second.then(() => $need(name));
}
"""


_AT_ONCE: Final = '$need("%s");\n'
_AFTER_PICTURE: Final = """\
const $begin = () => $need("%s");
if (document.hidden) $begin(); // nothing is drawn
else requestAnimationFrame(() => setTimeout($begin));
"""


class PageError(Exception):
    """Files that cannot be put together: a mistake in the files of a page."""


@dataclass(frozen=True, slots=True)
class PutTogether:
    """A page of few files.

    html   its document
    files  what the document refers to: name -> content; the names change with the content
    """

    html: str
    files: Mapping[str, bytes]


def put_together(html: str, files: Mapping[str, bytes]) -> PutTogether:
    """The page whose document is `html`, of the files by their names below `page/`.

    A line of the document has at most one of its style sheets or scripts.

    Raises:
        PageError: they cannot be put together.
    """
    made: dict[str, bytes] = {}

    def kept(name: str, content: bytes) -> str:
        stem, dot, end = posixpath.basename(name).rpartition(".")
        named = f"{stem}.{hashlib.sha256(content).hexdigest()[:16]}{dot}{end}"
        made[named] = content
        return named

    def scripts(first: str, begin: str) -> str:
        """Makes the script of a module, and the second one; the name of the first."""
        now, later = _scripts(first, files)
        parts = [_HEAD]
        if later:
            second = "".join(f"{_module(name, files, later)};\n" for name in later)
            second = f"export function add($modules, $need, $later) {{\n{second}}}\n"
            parts.append(_LATER_HEAD % kept("later.js", second.encode()))
        # In parentheses: a browser compiles it at once, in a thread, instead of reading it twice.
        parts += [f"{_module(name, files, later, '(', ')')};\n" for name in now]
        parts.append(begin % first)
        return kept("page.js", "".join(parts).encode())

    joined = {
        tag: [name for line in html.splitlines() if tag in line for name in _names(line)]
        for tag in (_STYLE, _PLAIN)
    }
    lines = []
    for line in html.splitlines(keepends=True):
        names = _names(line)
        together = next((names for tag, names in joined.items() if tag in line), [])
        if together and names != together[:1]:
            continue  # it is in the first one
        for name in names:
            if together:
                end = name.rpartition(".")[2]
                content = b"\n".join(_of(files, each) for each in together)
                new = kept(f"page.{end}" if end == "css" else f"first.{end}", content)
            elif _SCRIPT in line:
                new = scripts(name, _AFTER_PICTURE if _AFTER in line else _AT_ONCE)
            else:
                new = kept(name, _of(files, name))
            line = line.replace(f'"page/{name}"', f'"page/{new}"')
        lines.append(line)
    return PutTogether("".join(lines), made)


def _names(line: str) -> list[str]:
    return [found["name"] for found in _USED.finditer(line)]


def _of(files: Mapping[str, bytes], name: str) -> bytes:
    try:
        return files[name]
    except KeyError:
        raise PageError(f"there is no file {name}") from None


def _scripts(first: str, files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """The modules of the script of `first`, and those that are only needed later."""
    at_once: dict[str, list[str]] = {}

    def reached(names: Iterable[str]) -> list[str]:
        """New modules that these import at once, with themselves."""
        waiting, found = list(names), []
        while waiting:
            name = waiting.pop()
            if name in at_once:
                continue
            text = _of(files, name).decode()
            at_once[name] = [_beside(name, one["from"]) for one in _IMPORT.finditer(text)]
            found.append(name)
            waiting.extend(at_once[name])
        return found

    def later_of(names: Iterable[str]) -> list[str]:
        return [
            _beside(name, one["from"])
            for name in names
            for one in _LATER.finditer(_of(files, name).decode())
        ]

    now = new = reached([first])
    later: list[str] = []
    while new := reached(later_of(new)):
        later += new
    good: set[str] = set()
    for name in at_once:
        _no_circle(name, at_once, (), good)
    return now, later


def _module(
    name: str, files: Mapping[str, bytes], later: Collection[str], opens: str = "", closes: str = ""
) -> str:
    """A module as a function that gives what it exports. `later`: those of the second script."""
    text = files[name].decode()
    exported = [found["name"] for found in _EXPORT.finditer(text)]
    if (own := _OURS.search(text)) is not None:
        raise PageError(f"{name}: {own[0]} is a name of the script that it becomes a part of")

    def imported(found: re.Match[str]) -> str:
        need = f'$need("{_beside(name, found["from"])}");'
        if " as " in (found["names"] or ""):
            raise PageError(f"{name}: `as` in an import cannot be put together")
        return f"const {{{found['names']}}} = {need}" if found["names"] else need

    def imported_later(found: re.Match[str]) -> str:
        other = _beside(name, found["from"])
        if other in later:
            return f'$later("{other}")'
        return f'Promise.resolve().then(() => $need("{other}"))'

    body = _LATER.sub(imported_later, _IMPORT.sub(imported, text))
    body = _EXPORT.sub(r"\g<what> \g<name>", body)
    if (left := _LEFT.search(body)) is not None:
        line = body.count("\n", 0, left.end()) + 1
        raise PageError(f"{name}, line {line}: this import or export cannot be put together")
    end = f"return {{ {', '.join(exported)} }};"
    return f'$modules["{name}"] = {opens}() => {{\n{body}\n{end}\n}}{closes}'


def _beside(name: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def _no_circle(
    name: str, imports: Mapping[str, list[str]], above: tuple[str, ...], good: set[str]
) -> None:
    """Raises PageError if a module needs itself; `good` collects those that do not."""
    if name in above:
        raise PageError(f"modules import each other: {' -> '.join((*above, name))}")
    if name not in good:
        for each in imports[name]:
            _no_circle(each, imports, (*above, name), good)
        good.add(name)
