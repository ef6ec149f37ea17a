"""A PowerShell script -> its statements, without comments.

Rules: patterns see at most the first 4,000 characters of a statement, so that time stays bounded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from csd.package.lint.rule import Rule

Found = Iterator[tuple[int, Rule, str]]
_LONGEST = 4000
_PART = re.compile(r"<#.*?(?:#>|\Z)|@\"[ \t]*\n.*?(?:\n\"@|\Z)|@'[ \t]*\n.*?(?:\n'@|\Z)|\"(?:[^\"`]|`.|\"\")*(?:\"|\Z)|'[^']*(?:'|\Z)"
                   r"|`\r?\n|`.|(?<![\w$])#[^\n]*|[;\n(){}|,\[\]]|[^;\n(){}|,\[\]\"'`#<@]+|.", re.DOTALL)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` as written; `code`: the same with empty strings."""

    line: int
    text: str
    code: str

    def __str__(self) -> str:
        shown = " ".join(self.text.split())
        return repr(shown if len(shown) <= 80 else shown[:77] + "...")


def read_powershell(text: str) -> list[Statement]:
    """The statements of a script; a block's brace ends one, parentheses, '|', ',' and a backtick go on."""
    statements: list[Statement] = []
    kept: list[str] = []
    code: list[str] = []
    line, begun, depth, goes_on = 1, 1, 0, False

    def done() -> None:
        if any(not part.isspace() for part in code):
            statements.append(Statement(begun, "".join(kept).strip()[:_LONGEST], "".join(code).strip()[:_LONGEST]))
        kept.clear()
        code.clear()

    for found in _PART.finditer(text.replace("\r\n", "\n")):
        part = found[0]
        if not code:
            begun = line
        line += part.count("\n")
        if part.startswith(("<#", "#")):
            continue
        if part in (";", "\n", "{", "}") and not (part == "\n" and (depth or goes_on)):
            done()
            depth = 0 if part in "{}" else depth
            continue
        depth = max(0, depth + (part in "([") - (part in ")]"))
        if not part.isspace():
            goes_on = part in ("|", ",")
        elif not code:
            continue
        kept.append(" " if part in ("`\n", "\n") else part)
        quoted = part[0] in "\"'" or (part.startswith(('@"', "@'")) and len(part) > 1)
        code.append('""' if quoted else " " if part in ("`\n", "\n") else part)
    done()
    return statements
