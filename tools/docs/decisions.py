"""The list of decisions: number and title of each file under docs/adr."""

from pathlib import Path

from tools.docs.markdown import page, table

INTRODUCTION = """Each file is one decision: what we knew, what we could have done, what we did, and what follows. A decision that is
overtaken stays and names its successor."""


def decisions_page(folder: Path) -> str:
    """Return docs/adr/README.md. Raises ValueError for a decision whose title does not begin with the number of its file."""
    rows = []
    for path in sorted(folder.glob("[0-9]*.md")):
        number, _, title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").partition(" ")
        if not path.name.startswith(f"{number}-"):
            raise ValueError(f"{path.name} must begin with a line `# {path.name[:4]} TITLE`, found number {number!r}")
        rows.append((number, f"[{title}]({path.name})"))
    return page("Decisions", INTRODUCTION, table(("", "decision"), rows))
