"""docs/fidelity.md: how much of AWS is here, how sure we are of it, and where we know better than to trust it.

Flow: engines -> operations supported, of those in the model; tests/conformance -> claims by standing (read as text, not run); remarks in
the sources -> deviations; the register -> open questions.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localorg.kernel.readings import QUESTIONS
from localorg.protocol.models import service_model
from tools.docs.assumptions import deviations
from tools.docs.markdown import code, page, table
from tools.docs.supported import SERVICE_NAMES, agents_only, engines_in_memory

STANDINGS = {
    "documented": "AWS says so.",
    "observed": "Somebody saw it, on AWS or of Amazon's own software.",
    "assumed": "Nobody could confirm it; the reason is given.",
}
INTRODUCTION = """A local organization proves as much as it is faithful. Here is how faithful it is: what it answers, what was claimed
about AWS and tested over the wire, and where it is known to differ. `pytest tests/conformance` runs the claims against a local
organization, or against accounts that you name (`tests/conformance/target.py` says how)."""


@dataclass(frozen=True)
class Claim:
    """One test of the conformance suite."""

    area: str
    says: str
    standing: str
    source: str


def fidelity_page(repository: Path) -> str:
    """Return docs/fidelity.md. Raises ValueError for a conformance test that claims nothing."""
    claims = list(claims_in(repository / "tests/conformance"))
    counts = [(each, str(sum(claim.standing == each for claim in claims)), told) for each, told in STANDINGS.items()]
    questions = [f"* {each.asks} ({code(each.id)})" for each in QUESTIONS]
    return page(
        "Fidelity",
        INTRODUCTION,
        "## Operations",
        "[What localorg supports](reference/supported.md) names them; every other operation is refused by name.",
        table(("service", "supported", "in AWS's model"), _operations()),
        "## Claims",
        table(("standing", "claims", "meaning"), counts),
        *_by_area(claims),
        "## Known divergences",
        *deviations(repository),
        "## What cannot be known",
        "[Both readings](reference/readings.md) of each are built, and the solution is tested under all of them.",
        "\n".join(questions),
    )


def _operations() -> Iterator[tuple[str, str, str]]:
    supported = engines_in_memory().gateway.operations()
    for service, name in SERVICE_NAMES.items():
        own = agents_only(service)
        here = {operation for its, operation in supported if its == service}
        known = set(service_model(service).operation_names) - own
        private = f", and {len(here & own)} of Amazon's agent" if own else ""
        yield f"{name} ({code(service)})", f"{len(here - own)}{private}", str(len(known) or "none")


def _by_area(claims: list[Claim]) -> Iterator[str]:
    for area in dict.fromkeys(claim.area for claim in claims):
        yield f"### {area}"
        yield table(
            ("claim", "standing", "source, or why"),
            [(claim.says, claim.standing, claim.source) for claim in claims if claim.area == area],
        )


def claims_in(folder: Path) -> Iterator[Claim]:
    """Yield every claim of the conformance suite, in the order of its files."""
    for path in sorted(folder.glob("test_*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        area = _sentence(ast.get_docstring(module) or "", path.name)
        for item in module.body:
            if isinstance(item, ast.FunctionDef) and item.name.startswith("test_"):
                yield _claim(area, path.name, item)


def _claim(area: str, file: str, test: ast.FunctionDef) -> Claim:
    place = f"{file}:{test.lineno} {test.name}"
    found = [
        (call.func.id, call.args[0])
        for call in test.decorator_list
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in STANDINGS
    ]
    if len(found) != 1:
        raise ValueError(f"{place}: expected one of {', '.join(STANDINGS)} above it, found {len(found)}")
    standing, source = found[0]
    return Claim(area, _sentence(ast.get_docstring(test) or "", place), standing, str(ast.literal_eval(source)))


def _sentence(text: str, place: str) -> str:
    first = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    if not first.endswith("."):
        raise ValueError(f"{place}: expected a docstring that begins with one sentence, found {first!r}")
    return first.removesuffix(".") if first.count(".") == 1 else first
