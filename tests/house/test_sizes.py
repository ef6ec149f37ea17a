"""House rules that a linter does not know: sizes, names of modules, partitions, no patching."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FUNCTION_LINES_MAX = 50
MODULE_LINES_MAX = 400
ATTICS = {"utils", "util", "helpers", "helper", "common", "misc", "core"}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [REPOSITORY / name for name in listed.stdout.splitlines() if (REPOSITORY / name).exists()]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for item in ast.walk(tree):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            yield item


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_functions_are_small() -> None:
    """No function's body, without its docstring, is longer than fifty lines."""
    long = [
        f"{path.relative_to(REPOSITORY)}:{function.lineno} {function.name} {body_lines(function)}"
        for path in tracked("src/*.py")
        for function in functions(ast.parse(path.read_text()))
        if body_lines(function) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_modules_are_small() -> None:
    """No module, source or test, is longer than four hundred lines."""
    long = [
        f"{path.relative_to(REPOSITORY)}" for path in tracked("*.py") if len(path.read_text().splitlines()) > MODULE_LINES_MAX
    ]
    assert long == []


def test_no_attics() -> None:
    """No module is called after nothing."""
    assert [path for path in tracked("src/*.py") if path.stem in ATTICS or path.parent.name in ATTICS] == []


def test_no_partition_is_written_into_code() -> None:
    """Only tests may write an ARN of one partition; the product asks which it is in, and the claims about AWS hold in each."""
    guilty = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in tracked("src/*.py", "artifacts/*", "tests/conformance/*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "arn:aws:" in line
    ]
    assert guilty == [], "in src: ask settings.partition; in a claim: write arn:{account.partition}:"


def test_no_test_patches() -> None:
    """Fakes are real classes; nothing is patched."""
    words = ("unittest.mock", "monkeypatch.setattr", "mocker.")
    me = Path(__file__)
    assert [path for path in tracked("tests/*.py") if path != me and any(word in path.read_text() for word in words)] == []
