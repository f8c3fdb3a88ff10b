"""A page as few files: the script does what its modules did, and what it cannot do is refused."""

import json
import shutil
import subprocess

import pytest

from cargo_sync.api.page_pack import PageError, put_together

HTML = """\
<head>
<link rel="stylesheet" href="page/a.css">
<link rel="stylesheet" href="page/b/b.css">
<script src="page/first.js"></script>
<script type="module" src="page/main.js"></script>
</head>
"""
FILES = {
    "a.css": "a {}",
    "b/b.css": "b {}",
    "first.js": "globalThis.told = [];",
    "main.js": "",
    "b/say.js": "export const LATE = 1;\n",
}


def made(files: dict[str, str], html: str = HTML) -> dict[str, str]:
    """The files of a page by the beginning of their names; its document is ""."""
    page = put_together(html, {name: text.encode() for name, text in files.items()})
    named = {
        f"{name.split('.')[0]}.{name.split('.')[-1]}": content.decode()
        for name, content in page.files.items()
    }
    assert all(name in page.html for name in page.files)
    return named | {"": page.html}


def test_modules_run_in_their_order_each_in_its_own_scope_and_later_ones_when_asked() -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("there is no node to run a script with")
    files = FILES | {
        "main.js": """\
import { say } from "./b/say.js";
import "./b/side.js";
const own = "main";
say(own);
import("./late.js").then(({ late }) => (late(), console.log(JSON.stringify(told))));
""",
        "b/say.js": """\
told.push("say is read");
const own = "say";
export const TWICE = own + own;
export function say(word) {
  told.push(word);
}
export class Never {}
export async function none() {}
""",
        "b/side.js": """\
import { TWICE, say } from "./say.js";
const need = "side";
say(TWICE + need);
""",
        "late.js": """\
import {
  say,
} from "./b/say.js";
say("late is read");
export function late() {
  say("late is called");
}
""",
    }
    page = made(files)
    done = subprocess.run(
        [node, "--input-type=module", "-e", page["first.js"] + page["page.js"]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [
        "say is read",
        "saysayside",
        "main",
        "late is read",
        "late is called",
    ]


def test_the_document_names_one_script_and_one_sheet() -> None:
    page = made(FILES | {"main.js": "", "first.js": "x"})
    assert page["page.css"] == "a {}\nb {}"
    assert page["first.js"] == "x"
    assert page[""].count("<link") == 1
    assert page[""].count("<script") == 2


@pytest.mark.parametrize(
    ("main", "why"),
    [
        ('import { LATE as later } from "./b/say.js";\n', "`as` in an import"),
        ('import * as all from "./b/say.js";\n', "line 1: this import or export"),
        ("\nexport default 1;\n", "line 2: this import or export"),
        ("const at = import.meta.url;\n", "line 1: this import or export"),
        ('import "./none.js";\n', "there is no file none.js"),
        ('import "./b/round.js";\n', "import each other: main.js -> b/round.js -> main.js"),
        ("const $need = 1;\n", "is a name of the script"),
    ],
)
def test_what_cannot_be_put_together_is_refused(main: str, why: str) -> None:
    files = FILES | {"main.js": main, "b/round.js": 'import "../main.js";\n'}
    with pytest.raises(PageError, match=why):
        made(files)
