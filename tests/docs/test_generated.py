"""What is made from the code is what the code says now, and says it readably."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs.pages import REPOSITORY
from tools.docs.assumptions import ROOMS
from tools.docs.commands import exit_codes
from tools.docs.decisions import decisions_page
from tools.docs.fidelity import claims_in
from tools.docs.pages import PAGES
from tools.docs.picture import BOX_H, BOX_W, BOXES, COLUMNS, rollout_picture
from tools.docs.remarks import KINDS, Remark, remarks_in

REMEDY = "run `make docs` and commit what it writes"


@pytest.mark.parametrize("name", PAGES)
def test_each_generated_page_is_fresh(name: str) -> None:
    """Made anew, a page is the page that is committed."""
    path = REPOSITORY / name
    assert path.exists(), REMEDY
    assert path.read_text(encoding="utf-8") == PAGES[name](), REMEDY


def found(tmp_path: Path, text: str, name: str = "module.py") -> list[Remark]:
    path = tmp_path / name
    path.write_text(text)
    return remarks_in(path, "room.module")


def test_a_comment_of_several_lines_is_one_remark(tmp_path: Path) -> None:
    """Lines that follow one another belong together, and the function around them is named."""
    text = (
        "class A:\n    def b(self):\n        # ASSUMED: this goes on\n        # for two lines.\n        return 1  # unrelated\n"
    )
    assert found(tmp_path, text) == [Remark("ASSUMED", "room.module", "A.b", "", "this goes on for two lines", in_brackets=False)]


def test_a_string_after_a_constant_is_about_it(tmp_path: Path) -> None:
    """The house writes such strings below constants; value and context are kept."""
    text = 'PAGE = 50\n"""AWS: at most 50. # ASSUMED: also the default."""\n'
    assert found(tmp_path, text) == [
        Remark("ASSUMED", "room.module", "PAGE = 50", "AWS: at most 50", "also the default", in_brackets=False)
    ]


def test_a_remark_ends_where_another_begins(tmp_path: Path) -> None:
    """A mark reaches to the next mark, not into it."""
    text = "# AWS: one. ASSUMED: two. AWS: three\n# DEVIATES: four\n"
    assert [(one.kind, one.context, one.text) for one in found(tmp_path, text)] == [
        ("ASSUMED", "AWS: one", "two"),
        ("DEVIATES", "", "four"),
    ]


def test_a_remark_in_brackets_ends_with_them(tmp_path: Path) -> None:
    """In prose a mark may stand in brackets."""
    text = '"""Text is taken literally (# ASSUMED: not replaced) and run."""\n'
    assert [(one.context, one.text, one.in_brackets) for one in found(tmp_path, text)] == [
        ("Text is taken literally", "not replaced", True)
    ]


def test_yaml_comments_are_read_too(tmp_path: Path) -> None:
    """The template's sources carry remarks as comments."""
    assert [one.text for one in found(tmp_path, "a: 1  # ASSUMED: one\n# ASSUMED: two\n# lines\nb: 2\n", "x.yaml")] == [
        "one",
        "two lines",
    ]


def test_no_remark_is_lost() -> None:
    """Every mark in the sources is in the register: marks are counted as plain text, too."""
    register = (REPOSITORY / "docs/reference/assumptions.md").read_text(encoding="utf-8")
    listed = sum(line.startswith("* ") for line in register.splitlines())
    files = [path for suffix in ("*.py", "*.yaml", "*.sh") for path in (REPOSITORY / "src").rglob(suffix)]
    files += (REPOSITORY / "docs/adr").glob("[0-9]*.md")
    written = sum(path.read_text(encoding="utf-8").count(kind) for path in files for kind in KINDS)
    assert listed == written


def test_every_engine_is_a_room() -> None:
    """A folder of the sources that the register does not know would stop it."""
    folders = {path.name for path in (REPOSITORY / "src/localorg").iterdir() if (path / "__init__.py").exists()}
    assert folders <= {room.partition(".")[2] for room in ROOMS}


def test_exit_codes_become_a_table() -> None:
    """A number and what it means; the rest as it stands."""
    table = exit_codes("Text.\n\nExit codes: 0 done; 3 not all\nof them; `exec` its own. More prose.\n")
    assert table.splitlines()[2:] == ["| `0` | done |", "| `3` | not all of them |", "| others | `exec` its own |"]


def test_a_command_line_without_exit_codes_is_refused() -> None:
    """The page would be incomplete."""
    with pytest.raises(ValueError, match="Exit codes"):
        exit_codes("Nothing here.")


def test_a_decision_with_another_number_is_refused(tmp_path: Path) -> None:
    """File name and title agree."""
    (tmp_path / "0002-two.md").write_text("# 0003 Three\n")
    with pytest.raises(ValueError, match="0002-two.md must begin with a line `# 0002 TITLE`, found number '0003'"):
        decisions_page(tmp_path)


def test_the_picture_is_whole() -> None:
    """It is XML, every arrow has a tip that is defined, and each step of the text is in it."""
    root = ET.fromstring(rollout_picture())
    found = {element.get("class"): element for element in root.iter()}
    assert {"go", "back", "box", "column"} <= set(found)
    tips = {f"url(#{element.get('id')})" for element in root.iter("{http://www.w3.org/2000/svg}marker")}
    assert {element.get("marker-end") for element in root.iter("{http://www.w3.org/2000/svg}path")} - {None} == tips
    numbers = {element.text for element in root.iter() if element.get("class") == "number"}
    assert numbers == {str(number) for number in range(1, 10)}


def test_the_picture_s_boxes_stand_apart_and_hold_their_words() -> None:
    """No two boxes overlap, each is in its column, and no line is wider than its box: a letter takes 7 units in a title, 6.5 below."""
    places = [(box.left, box.top) for box in BOXES.values()]
    for number, (left, top) in enumerate(places):
        assert all(abs(left - x) >= BOX_W or abs(top - y) >= BOX_H for x, y in places[number + 1 :])
    for box in BOXES.values():
        assert box.column < len(COLUMNS)
        assert len(box.title) * 7 <= BOX_W
        assert all(len(line) * 6.5 <= BOX_W for line in box.lines)


@pytest.mark.parametrize(
    ("test", "problem"),
    [
        ('def test_a():\n    """It is so."""\n', "expected one of documented, observed, assumed above it, found 0"),
        ('@assumed("x")\n@observed("y")\ndef test_a():\n    """It is so."""\n', "above it, found 2"),
        ('@assumed("x")\ndef test_a():\n    pass\n', "expected a docstring that begins with one sentence, found ''"),
    ],
)
def test_a_conformance_test_that_claims_nothing_is_refused(tmp_path: Path, test: str, problem: str) -> None:
    """One sentence, one standing."""
    (tmp_path / "test_some.py").write_text(f'"""Some area."""\n\n\n{test}')
    with pytest.raises(ValueError, match="test_a") as caught:
        list(claims_in(tmp_path))
    assert problem in str(caught.value)
