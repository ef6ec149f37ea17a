"""Remarks in the sources that begin with ASSUMED: or DEVIATES:, found with the place that they are about.

Flow: text of a module -> its comments and free-standing strings (docstrings, and the strings after constants) -> paragraphs ->
those with a mark -> `Remark`. In YAML and shell sources, comments only; in Markdown, whatever follows a mark.
Rules: comment lines that follow one another are one paragraph; a mark reaches to the next mark or to the paragraph's end; what stands
before it in the paragraph is kept, because it often says what the remark is about.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KINDS = ("ASSUMED", "DEVIATES")
MARK = re.compile(r"\(?#?\s*\b(ASSUMED|DEVIATES)\b:?\s*")
NEXT = re.compile(r"\s(?=#?\s*(?:ASSUMED|DEVIATES|AWS|Observed|Documented):)")
BREAK = re.compile(r"\n\s*\n|\n\s*(?=[A-Z][a-z]+(?: [a-z]+)*: )|\n(?=AWS: )")
"""An empty line, or a line that begins with a heading word of the house (Flow:, Rules:, Refuses to know:)."""
SHORT = 60


@dataclass(frozen=True)
class Remark:
    """One remark. `place` is dotted (localorg.fleet.mailbox), `about` the function, class or constant, if any."""

    kind: str
    place: str
    about: str
    context: str
    """What stands before the mark."""
    text: str
    """What stands after it; neither ends with a full stop."""
    in_brackets: bool


def remarks_in(path: Path, place: str) -> list[Remark]:
    """Return every remark of the file at `path`."""
    text = path.read_text(encoding="utf-8")
    match path.suffix:
        case ".py":
            paragraphs = _python(text)
        case ".md":
            paragraphs = (
                ("", words[words.find(f"{kind}:") :]) for words in text.split("\n\n") for kind in KINDS if f"{kind}:" in words
            )
        case _:
            paragraphs = _commented(text)
    return [remark for about, paragraph in paragraphs for remark in _of_paragraph(place, about, paragraph)]


def _of_paragraph(place: str, about: str, paragraph: str) -> Iterator[Remark]:
    found = list(MARK.finditer(paragraph))
    for number, mark in enumerate(found):
        before = paragraph[: mark.start()] if number == 0 else ""
        rest = paragraph[mark.end() : found[number + 1].start() if number + 1 < len(found) else None]
        text = NEXT.split(rest, maxsplit=1)[0]
        inside = mark[0].startswith("(")
        yield Remark(mark[1], place, about, _plain(before), _plain(text.partition(")")[0] if inside else text), inside)


def _plain(text: str) -> str:
    plain = " ".join(text.replace("# AWS:", "AWS:").split()).rstrip("#( ")
    return plain if plain.endswith("...") else plain.removesuffix(".")


def _python(text: str) -> Iterator[tuple[str, str]]:
    """Yield (what it is about, paragraph) for the comments and free strings of a Python module."""
    tree = ast.parse(text)
    for line, paragraph in _comments(text):
        yield _scope(tree, line), paragraph
    for about, string in _strings(tree, ""):
        for paragraph in BREAK.split(string):
            yield about, paragraph


def _comments(text: str) -> Iterator[tuple[int, str]]:
    block: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if block and not (block[-1].start[0] == token.start[0] - 1 and block[-1].start[1] == token.start[1]):
                yield _joined(block)
                block = []
            block.append(token)
    if block:
        yield _joined(block)


def _joined(block: list[tokenize.TokenInfo]) -> tuple[int, str]:
    return block[-1].start[0], " ".join(token.string.lstrip("#").strip() for token in block)


def _scope(tree: ast.Module, line: int) -> str:
    """Return the dotted name of the innermost function or class around `line`, or the constant on or just after it."""
    names, inside = [], True
    body: list[ast.stmt] = tree.body
    while inside:
        inside = False
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.lineno <= line <= (
                node.end_lineno or 0
            ):
                names.append(node.name)
                body, inside = node.body, True
                break
    if not names:
        near = next((node for node in tree.body if node.lineno <= line + 1 <= (node.end_lineno or 0) + 1), None)
        return _constant(near) if near is not None else ""
    return ".".join(names)


def _constant(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
    if not isinstance(target, ast.Name):
        return ""
    value = ast.unparse(node.value) if isinstance(node, ast.Assign | ast.AnnAssign) and node.value else ""
    return f"{target.id} = {value}" if value and len(value) <= SHORT else target.id


def _strings(tree: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Iterator[tuple[str, str]]:
    before: ast.stmt | None = None
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield (_constant(before) if before is not None else "") or name, node.value.value
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _strings(node, f"{name}.{node.name}".lstrip("."))
        before = node


def _commented(text: str) -> Iterator[tuple[str, str]]:
    """Yield the comment paragraphs of a YAML, shell or other source whose comments begin with #."""
    block: list[str] = []
    for line in (*text.splitlines(), ""):
        _, mark, words = line.partition("#")
        if mark and (not block or not line.partition("#")[0].strip()):
            block.append(words.strip())
            continue
        if block:
            yield "", " ".join(block)
        block = []
