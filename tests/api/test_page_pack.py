"""A page as few files: the script does what its modules did, and what it cannot do is refused."""

import json
import re
import shutil
import subprocess
from pathlib import Path

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
    assert all(name in page.html for name in page.files if not name.startswith("later."))
    return named | {"": page.html}


def test_modules_run_in_their_order_each_in_its_own_scope_and_later_ones_when_asked(
    tmp_path: Path,
) -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("there is no node to run a script with")
    files = FILES | {
        "main.js": """\
import { say } from "./b/say.js";
import "./b/side.js";
const own = "main";
say(own);
const side = import("./b/side.js");
import("./late.js").then(async ({ late }) => {
  const { again } = await import("./late.js");
  (await side).told();
  late();
  say(again === late);
  console.log(JSON.stringify(told));
});
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
export function told() {
  say("side is asked");
}
""",
        "late.js": """\
import {
  say,
} from "./b/say.js";
import "./only_late.js";
say("late is read");
export async function late() {
  say("late is called");
}
export const again = late;
""",
        "only_late.js": """\
told.push("what late needs is read");
export const none = () => import("./b/later_still.js");
""",
        "b/later_still.js": "",
    }
    page = put_together(HTML, {name: text.encode() for name, text in files.items()})
    for name, content in page.files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    asked = re.findall(r'src="page/([^"]+)"', page.html)
    (tmp_path / "all.js").write_text("".join(f'import "./{name}";\n' for name in asked))
    done = subprocess.run(
        [node, str(tmp_path / "all.js")], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [
        "say is read",
        "saysayside",
        "main",
        "what late needs is read",
        "late is read",
        "side is asked",
        "late is called",
        True,
    ]


@pytest.mark.parametrize(("hidden", "order"), [("false", ["picture", "main"]), ("true", ["main"])])
def test_a_script_after_the_picture_waits_for_it_in_a_tab_that_is_seen(
    tmp_path: Path, hidden: str, order: list[str]
) -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("there is no node to run a script with")
    html = HTML.replace('"module"', '"module" data-after="picture"')
    page = made(FILES | {"main.js": 'told.push("main");\n'}, html)
    (tmp_path / "all.mjs").write_text(
        f"globalThis.told = [];\nglobalThis.document = {{ hidden: {hidden} }};\n"
        'globalThis.requestAnimationFrame = (draw) => (draw(), told.push("picture"));\n'
        f"{page['page.js']}setTimeout(() => console.log(JSON.stringify(told)));\n"
    )
    done = subprocess.run(
        [node, str(tmp_path / "all.mjs")], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == order


def test_what_is_imported_later_is_in_a_second_script() -> None:
    page = made(FILES | {"main.js": 'import("./b/say.js");\n'})
    assert '$modules["b/say.js"]' in page["later.js"]
    assert '$modules["main.js"]' in page["page.js"]
    assert "LATE" not in page["page.js"]
    assert "later" not in page[""], "the document does not ask for it"
    assert "later.js" not in made(FILES), "without such a module there is none"


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
        ("const $need = 1;\n", r"\$need is a name of the script"),
        ("const $later = 1;\n", r"\$later is a name of the script"),
    ],
)
def test_what_cannot_be_put_together_is_refused(main: str, why: str) -> None:
    files = FILES | {"main.js": main, "b/round.js": 'import "../main.js";\n'}
    with pytest.raises(PageError, match=why):
        made(files)
