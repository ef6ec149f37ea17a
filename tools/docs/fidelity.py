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
AREAS = {
    "Organizations": ("organizations",),
    "IAM and STS": ("iam", "sts", "policy_evaluation", "signatures", "access_by_tags", "bucket_policies"),
    "CloudFormation and StackSets": ("cloudformation", "stack_sets"),
    "Automation": ("automation",),
    "Run Command": ("run_command",),
    "State Manager and compliance": ("state_manager", "compliance"),
    "Documents and packages": ("documents", "agent_packages"),
    "Nodes and their inventory": ("nodes", "hybrid", "inventory"),
    "Parameter Store": ("parameter",),
    "KMS": ("kms",),
    "S3": ("uploads",),
    "Tags and groups": ("tags",),
}
"""Each service, and how the files of its claims begin."""
INTRODUCTION = """A local organization proves as much as it is faithful. Here is how faithful it is: what it answers, what was claimed
about AWS and tested over the wire, and where it is known to differ. `pytest tests/conformance` runs the claims against a local
organization, or against accounts that you name (`tests/conformance/target.py` says how)."""


@dataclass(frozen=True)
class Claim:
    """One test of the conformance suite."""

    file: str
    area: str
    says: str
    standing: str
    source: str


def fidelity_page(repository: Path) -> str:
    """Return docs/fidelity.md. Raises ValueError for a conformance test that claims nothing."""
    claims = list(claims_in(repository / "tests/conformance"))
    questions = [f"* {each.asks} ({code(each.id)})" for each in QUESTIONS]
    return page(
        "Fidelity",
        INTRODUCTION,
        "[Operations](#operations) · [Known divergences](#known-divergences) · [What cannot be known](#what-cannot-be-known) · "
        "[Claims](#claims)",
        "## Operations",
        "[What localorg supports](reference/supported.md) names them; every other operation is refused by name.",
        table(("service", "supported", "in AWS's model"), _operations()),
        "## Known divergences",
        "What is done otherwise than AWS does it, on purpose. [What is assumed](reference/assumptions.md) is a page of its own.",
        *deviations(repository),
        "## What cannot be known",
        "[Both readings](reference/readings.md) of each are built, and the solution is tested under all of them.",
        "\n".join(questions),
        "## Claims",
        " ".join(f"*{each}*: {told}" for each, told in STANDINGS.items()),
        *_by_service(claims),
    )


def _operations() -> Iterator[tuple[str, str, str]]:
    supported = engines_in_memory().gateway.operations()
    for service, name in SERVICE_NAMES.items():
        own = agents_only(service)
        here = {operation for its, operation in supported if its == service}
        known = set(service_model(service).operation_names) - own
        private = f", and {len(here & own)} of Amazon's agent" if own else ""
        yield f"{name} ({code(service)})", f"{len(here - own)}{private}", str(len(known) or "none")


def _by_service(claims: list[Claim]) -> Iterator[str]:
    """Yield the index, then the claims of each service. Raises ValueError for a file that belongs to none."""
    told: dict[str, list[Claim]] = {service: [] for service in AREAS}
    for claim in claims:
        told[_service(claim.file)].append(claim)
    rows = [(f"[{name}](#{_anchor(_heading(name))})", *_counts(its)) for name, its in told.items()]
    yield table(("service", *STANDINGS, "claims"), [*rows, ("all", *_counts(claims))])
    for name, its in told.items():
        yield f"## {_heading(name)}"
        yield from _by_area(its)


def _service(file: str) -> str:
    stem = file.removeprefix("test_")
    found = [name for name, beginnings in AREAS.items() if stem.startswith(beginnings)]
    if len(found) != 1:
        raise ValueError(f"{file}: expected one service of tools.docs.fidelity.AREAS that it belongs to, found {found}")
    return found[0]


def _counts(claims: list[Claim]) -> tuple[str, ...]:
    return (*(str(sum(claim.standing == each for claim in claims)) for each in STANDINGS), str(len(claims)))


def _heading(service: str) -> str:
    return f"Claims on {service}"


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


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
    return Claim(file, area, _sentence(ast.get_docstring(test) or "", place), standing, str(ast.literal_eval(source)))


def _sentence(text: str, place: str) -> str:
    first = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    if not first.endswith("."):
        raise ValueError(f"{place}: expected a docstring that begins with one sentence, found {first!r}")
    return first.removesuffix(".") if first.count(".") == 1 else first
