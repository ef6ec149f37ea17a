"""The page of open questions about AWS, from the register itself."""

from localorg.kernel.readings import QUESTIONS
from tools.docs.markdown import code, page, table

INTRODUCTION = """Some things about AWS can only be learnt with an account at hand. Where a runbook, a package or an operator could fare
differently, both readings are built, and `localorg up --reading QUESTION=READING` chooses; `localorg readings` lists them in the terminal.
The solution is tested under every reading, so that "works locally" means "works whichever is true"."""


def readings_page() -> str:
    """Return docs/reference/readings.md."""
    parts: list[str] = []
    for each in QUESTIONS:
        rows = [(code(word) + (" (default)" if word == each.default else ""), told) for word, told in each.readings.items()]
        parts += [f"## {code(each.id)}", each.asks, table(("reading", "meaning"), rows), f"Why it is open: {each.source}"]
    return page("What cannot be known about AWS", INTRODUCTION, *parts)
