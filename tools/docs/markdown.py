"""The little Markdown that the pages are made of."""

from collections.abc import Iterable, Sequence

NOTICE = "<!-- Made from the code by `make docs`. Change the code, not this file. -->"


def page(title: str, *parts: str) -> str:
    """Return a whole page: title, notice, parts with an empty line between them."""
    return "\n\n".join([f"# {title}", NOTICE, *(part.strip("\n") for part in parts if part)]) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are one line each."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines)


def cell(text: str) -> str:
    """Return `text` as it may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return `text` as code, also when it holds backticks."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def codes(names: Iterable[str]) -> str:
    """Return names as code, with commas between them."""
    return ", ".join(code(name) for name in names)


def block(text: str, language: str = "") -> str:
    """Return `text` as a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"
