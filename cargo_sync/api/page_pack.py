"""A page's files put together for its first picture. Pure.

A page is some 60 small modules. A browser pays for each request, over HTTP/1.1 with six at a time:
30 requests cost it half a second of work on a small machine before a script runs. So its document
refers to one script and one style sheet instead, which are made of the same files when a program
starts. Their names have a hash of their content: a browser keeps them, and asks no more.

In the script each module is a function with a scope of its own, called when it is first needed.
That is less than modules can do. PageError says what cannot be put together: a circle of imports,
and forms of `import` and `export` that no file of ours uses.
"""

import hashlib
import posixpath
import re
from collections.abc import Mapping
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
_HEAD: Final = """\
const $modules = {};
const $made = new Map();
function $need(name) {
  if (!$made.has(name)) $made.set(name, $modules[name]());
  return $made.get(name);
}
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
                new = kept("page.js", _script(name, files).encode())
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


def _script(first: str, files: Mapping[str, bytes]) -> str:
    """One script of a module and all that it imports, now or later."""
    parts = [_HEAD]
    waiting, known = [first], {first}
    at_once: dict[str, list[str]] = {}
    while waiting:
        name = waiting.pop()
        text = _of(files, name).decode()
        at_once[name] = [_beside(name, found["from"]) for found in _IMPORT.finditer(text)]
        later = [_beside(name, found["from"]) for found in _LATER.finditer(text)]
        for each in (*at_once[name], *later):
            if each not in known:
                known.add(each)
                waiting.append(each)
        parts.append(_module(name, text))
    good: set[str] = set()
    for name in at_once:
        _no_circle(name, at_once, (), good)
    parts.append(f'$need("{first}");\n')
    return "".join(parts)


def _module(name: str, text: str) -> str:
    """A module as a function that gives what it exports."""
    exported = [found["name"] for found in _EXPORT.finditer(text)]
    if "$need" in text:
        raise PageError(f"{name}: $need is a name of the script that it becomes a part of")

    def imported(found: re.Match[str]) -> str:
        need = f'$need("{_beside(name, found["from"])}");'
        if " as " in (found["names"] or ""):
            raise PageError(f"{name}: `as` in an import cannot be put together")
        return f"const {{{found['names']}}} = {need}" if found["names"] else need

    body = _IMPORT.sub(imported, text)
    body = _LATER.sub(
        lambda found: f'Promise.resolve().then(() => $need("{_beside(name, found["from"])}"))', body
    )
    body = _EXPORT.sub(r"\g<what> \g<name>", body)
    if (left := _LEFT.search(body)) is not None:
        line = body.count("\n", 0, left.end()) + 1
        raise PageError(f"{name}, line {line}: this import or export cannot be put together")
    return f'$modules["{name}"] = () => {{\n{body}\nreturn {{ {", ".join(exported)} }};\n}};\n'


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
