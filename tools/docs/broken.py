"""The page of broken packages, from the register whose rows are tests (tests/broken)."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from tools.docs.markdown import code, page, table

INTRODUCTION = """Distributor asks little of a package before it is on the nodes. Here are twenty that cannot work, as people have them:
what `csd` says of each before anything leaves the desk (`csd package lint` says the same, earlier), and what
becomes of it without `csd`, when its files go into a bucket and
CreateDocument and AWS-ConfigureAWSPackage are called by hand. Both are tested (`tests/broken`), on a local organization: the error codes
and statuses are AWS's, the node's sentences the agent's, and the API's sentences localorg's. Where AWS's documentation does not say
who checks, the line ends in "(assumed)"."""
SECTIONS = (
    (
        "FalseSuccess",
        "Success, and nothing works",
        "The worst kind: the command is `Success`, the compliance report is green.",
    ),
    ("FailsOnNode", "Fails on the node", "The document is Active; each node finds out by itself, after the rollout has begun."),
    ("DocumentFailed", "The document fails", "CreateDocument answers, and minutes later the document's status is `Failed`."),
    ("RefusedByApi", "Refused by the API", "CreateDocument says no; by then the files are in the bucket."),
)


def broken_page(repository: Path) -> str:
    """Return docs/explanation/broken-packages.md."""
    tests = str(repository / "tests")
    if tests not in sys.path:
        sys.path.append(tests)
    broken = import_module("broken.packages").ROWS
    parts: list[str] = []
    for kind, title, meaning in SECTIONS:
        rows = [row for row in broken if type(row.forced).__name__ == kind]
        cells = table(("what is wrong", "`csd` says", "without `csd`", "known from"), _lines(rows))
        parts += [f"## {title}", meaning, cells]
    return page("Twenty broken packages", INTRODUCTION, *parts)


def _lines(rows: list[Any]) -> Iterator[tuple[str, str, str, str]]:
    for row in rows:
        rejected = f"{code(row.verb)}: {code(row.rejected.format(folder='PACKAGE'))}"
        yield row.title, rejected, _ended(row.forced) + (" (assumed)" if row.is_assumed else ""), row.source


def _ended(forced: Any) -> str:
    match type(forced).__name__:
        case "FalseSuccess":
            said = f" (the output, which nobody reads, has {code(forced.said)})" if forced.said else ""
            return f"{' and '.join(forced.actions)}: Success, though {forced.instead}{said}"
        case "RefusedByApi":
            return f"{code(forced.code)}: {code(forced.words)}"
        case _:
            return code(forced.words.format(bucket="BUCKET", prefix="PREFIX").replace("\r", "\\r"))
