"""The register of what was assumed about AWS, and of what is done otherwise on purpose: from the remarks in the sources.

Flow: every file under src/ and every decision -> remarks -> groups (an engine, a room) -> page.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tools.docs.markdown import code, page, table
from tools.docs.remarks import Remark, remarks_in

SUFFIXES = frozenset({".py", ".yaml", ".json", ".sh"})
ROOMS = {
    "csd": "The operator's tool and the solution",
    "csd_steps": "Code that runs in aws:executeScript",
    "docs": "Decisions",
    "localorg.associations": "State Manager",
    "localorg.compliance": "Compliance",
    "localorg.automation": "Automation",
    "localorg.commands": "Run Command",
    "localorg.documents": "Documents and packages",
    "localorg.fleet": "Managed nodes, as the control plane sees them",
    "localorg.grouping": "Resource groups and the tagging API",
    "localorg.identity": "IAM and STS",
    "localorg.instances": "EC2",
    "localorg.keys": "KMS",
    "localorg.kernel": "The kernel",
    "localorg.node": "The agent on the node",
    "localorg.node_inventory": "Inventory of nodes",
    "localorg.organization": "Organizations",
    "localorg.parameters": "Parameter Store",
    "localorg.protocol": "The wire",
    "localorg.server": "The server",
    "localorg.stacks": "CloudFormation",
}
INTRODUCTION = """No AWS account was at hand while this was built. What the guides, the API models and public reports say is cited
where it is used (`# AWS: …`). Where they are silent, the code says `# ASSUMED: …`; where it does something else than AWS on purpose,
`# DEVIATES: …`. This page lists every such remark. If you know better, an issue that names the entry helps."""


def assumptions_page(repository: Path) -> str:
    """Return docs/reference/assumptions.md. Raises ValueError for a place that belongs to no room."""
    assumed, deviating = (_remarks(repository, kind) for kind in ("ASSUMED", "DEVIATES"))
    parts = ["## Assumed", *_grouped(assumed), "## Otherwise than AWS, on purpose", *_grouped(deviating)]
    return page("What is assumed about AWS", INTRODUCTION, _index(assumed, deviating), *parts)


def deviations(repository: Path) -> Iterator[str]:
    """Yield what is done otherwise than AWS does it, a list for each room. Raises ValueError as above."""
    return _grouped(_remarks(repository, "DEVIATES"))


def _remarks(repository: Path, kind: str) -> list[Remark]:
    return [remark for path, place in _sources(repository) for remark in remarks_in(path, place) if remark.kind == kind]


def _sources(repository: Path) -> Iterator[tuple[Path, str]]:
    source = repository / "src"
    for path in sorted(source.rglob("*")):
        if path.suffix in SUFFIXES and not any(part.endswith((".egg-info", "__pycache__")) for part in path.parts):
            inside = path.relative_to(source)
            yield (
                path,
                ".".join(inside.with_suffix("").parts) if path.suffix == ".py" else f"{'.'.join(inside.parts[:-1])}.{path.name}",
            )
    for path in sorted((repository / "docs/adr").glob("[0-9]*.md")):
        yield path, f"docs.adr.{path.stem[:4]}"


def _grouped(remarks: list[Remark]) -> Iterator[str]:
    by_room: dict[str, list[Remark]] = {}
    for remark in remarks:
        by_room.setdefault(_room(remark.place), []).append(remark)
    for room in sorted(by_room, key=lambda name: ROOMS[name]):
        yield f"### {ROOMS[room]}"
        yield "\n".join(_line(remark) for remark in by_room[room])


def _index(assumed: list[Remark], deviating: list[Remark]) -> str:
    """Return a table of the rooms: how many remarks of each kind are in them, and where the assumptions begin."""
    counts = [Counter(_room(remark.place) for remark in remarks) for remarks in (assumed, deviating)]
    rows = []
    for room in sorted({*counts[0], *counts[1]}, key=lambda name: ROOMS[name]):
        numbers = [str(count[room]) for count in counts]
        anchor = re.sub(r"[^\w\- ]", "", ROOMS[room].lower()).replace(" ", "-")
        rows.append((f"[{ROOMS[room]}](#{anchor})" if counts[0][room] else ROOMS[room], *numbers))
    heads = ("where", "assumed", "[otherwise on purpose](#otherwise-than-aws-on-purpose)")
    return table(heads, [*rows, ("all", str(len(assumed)), str(len(deviating)))])


def _room(place: str) -> str:
    found = max((room for room in ROOMS if place == room or place.startswith(f"{room}.")), key=len, default=None)
    if found is None:
        raise ValueError(f"{place} belongs to no room of tools.docs.assumptions; name its room there")
    return found


def _line(remark: Remark) -> str:
    about = f", {code(remark.about)}" if remark.about else ""
    return f"* {_told(remark)} <br>{code(remark.place)}{about}"


def _told(remark: Remark) -> str:
    """Return the remark as a sentence that can be read without the code around it."""
    word = "assumed" if remark.kind == "ASSUMED" else "deviates"
    if not remark.context:
        sentence = remark.text[:1].upper() + remark.text[1:]
    elif not remark.text:
        sentence = f"{remark.context} {word}" if remark.context.endswith((" is", " are")) else f"{remark.context} ({word})"
    elif remark.in_brackets:
        sentence = f"{remark.context} ({word}: {remark.text})"
    else:
        sentence = f"{remark.context}{_stop(remark.context)} **{word.capitalize()}:** {remark.text}"
    return f"{sentence.replace('<', '&lt;')}{_stop(sentence)}"


def _stop(text: str) -> str:
    return "" if text[-1:] in ".:;!?," else "."
