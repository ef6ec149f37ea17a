"""The file that describes an organization: YAML in, one checked value out, or every problem at once.

Flow: text -> YAML -> pydantic models (shape of each entry) -> cross-checks (ids that must exist, be unique, fit AWS's limits)
-> `Spec`. A wrong file raises `SpecError` with one line per problem: where it is, what was expected, what was found.
Refuses to know: how accounts, nodes and buckets are brought into being; that is `localorg.server.seeding`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from localorg.server.personas import PERSONAS

AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
RegionName = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
State = Literal["ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"]

OU_DEPTH_MAX = 5
"""AWS: Organizations user guide, "Quotas": OU maximum nesting in a root, five levels deep."""
EXPLANATIONS = {
    r"^\d{12}$": 'an account id is twelve digits in quotes, for instance "210987654321"',
    r"^[a-z]{2}(-[a-z]+)+-\d$": "a Region looks like eu-west-1",
}


class SpecError(Exception):
    """The file cannot be used; `problems` has one sentence for each reason."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        listed = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{source} does not describe an organization ({len(problems)} problems):\n{listed}")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountSpec(_Entry):
    """A member account, placed under the unit that lists it."""

    id: AccountId
    name: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    state: State = "ACTIVE"


class UnitSpec(_Entry):
    """An organizational unit with an id of the author's choosing, its accounts and its own units."""

    id: Annotated[str, StringConstraints(pattern=r"^ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    accounts: tuple[AccountSpec, ...] = ()
    units: "tuple[UnitSpec, ...]" = ()


class DelegationSpec(_Entry):
    """A member account that administers one service for the organization."""

    account: AccountId
    service: str


class OrganizationSpec(_Entry):
    """The organization itself: ids, the management account, what is switched on."""

    id: Annotated[str, StringConstraints(pattern=r"^o-[a-z0-9]{10,32}$")] = "o-localorg01"
    root: Annotated[str, StringConstraints(pattern=r"^r-[0-9a-z]{4,32}$")] = "r-abcd"
    management: AccountSpec
    accounts: tuple[AccountSpec, ...] = ()
    """Accounts directly under the root."""
    units: tuple[UnitSpec, ...] = ()
    trusted_services: tuple[str, ...] = ("member.org.stacksets.cloudformation.amazonaws.com", "ssm.amazonaws.com")
    delegated_administrators: tuple[DelegationSpec, ...] = ()


class NodesSpec(_Entry):
    """`count` nodes alike: where they are, what they pretend to be, whether their agent talks."""

    account: AccountId
    region: RegionName
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    persona: str
    name: str = ""
    tags: dict[str, str] = Field(default_factory=dict)
    online: bool = True


class BucketSpec(_Entry):
    """An S3 bucket that exists from the start."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    account: AccountId
    region: RegionName


class Spec(_Entry):
    """A whole organization."""

    partition: Literal["aws"] = "aws"
    regions: Annotated[tuple[RegionName, ...], Field(min_length=1)]
    organization: OrganizationSpec
    nodes: tuple[NodesSpec, ...] = ()
    buckets: tuple[BucketSpec, ...] = ()

    def accounts(self) -> list[AccountSpec]:
        """Return every account, the management account first."""
        organization = self.organization
        below = [account for _, unit in self.units() for account in unit.accounts]
        return [organization.management, *organization.accounts, *below]

    def units(self) -> Iterator[tuple[str, UnitSpec]]:
        """Yield (parent id, unit), parents before children."""
        waiting = [(self.organization.root, unit) for unit in self.organization.units]
        while waiting:
            parent, unit = waiting.pop(0)
            yield parent, unit
            waiting.extend((unit.id, child) for child in unit.units)


def load_spec(path: Path) -> Spec:
    """Read and check the file at `path`. Raises SpecError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(str(path), [f"the file cannot be read: {error.strerror}. Give --spec a file that exists."]) from error
    return parse_spec(text, str(path))


def parse_spec(text: str, source: str) -> Spec:
    """Check the YAML `text`; `source` is how messages name it. Raises SpecError."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SpecError(source, [f"the text is not YAML: {error}"]) from error
    try:
        spec = Spec.model_validate(content)
    except ValidationError as error:
        raise SpecError(source, [_sentence(dict(problem)) for problem in error.errors()]) from error
    problems = [*_identity_problems(spec), *_place_problems(spec)]
    if problems:
        raise SpecError(source, problems)
    return spec


def _sentence(problem: dict[str, Any]) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"]).lstrip(".") or "the file"
    pattern = str(problem.get("ctx", {}).get("pattern", ""))
    if problem["type"] == "missing":
        return f"{place}: missing. Add it."
    if problem["type"] == "extra_forbidden":
        return f"{place}: not a known key. Remove it or correct its spelling."
    hint = f"; {EXPLANATIONS[pattern]}" if pattern in EXPLANATIONS else ""
    return f"{place}: {problem['msg']}, found {problem['input']!r}{hint}"


def _twice(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _identity_problems(spec: Spec) -> Iterator[str]:
    for account in _twice([account.id for account in spec.accounts()]):
        yield f"account {account} is listed twice; an account is in one place only"
    for unit in _twice([unit.id for _, unit in spec.units()]):
        yield f"unit {unit} is listed twice; choose another id"
    for bucket in _twice([bucket.name for bucket in spec.buckets]):
        yield f"bucket {bucket} is listed twice; bucket names are global"
    root_suffix = spec.organization.root.removeprefix("r-")
    for _, listed in spec.units():
        if not re.match(rf"^ou-{root_suffix}-", listed.id):
            yield f"unit {listed.id}: ids of units begin with ou- and the root's suffix; use ou-{root_suffix}-…"
    if spec.organization.management.state != "ACTIVE":
        yield f"organization.management.state: the management account is always ACTIVE, found {spec.organization.management.state}"
    if (depth := _depth(spec.organization.units)) > OU_DEPTH_MAX:
        yield f"organization.units: nested {depth} deep; AWS allows {OU_DEPTH_MAX} levels below the root"


def _depth(units: tuple[UnitSpec, ...]) -> int:
    return 1 + max((_depth(unit.units) for unit in units), default=0) if units else 0


def _place_problems(spec: Spec) -> Iterator[str]:
    accounts = {account.id for account in spec.accounts()}
    for number, nodes in enumerate(spec.nodes):
        if nodes.persona not in PERSONAS:
            yield f"nodes[{number}].persona: {nodes.persona!r} is not known; choose one of {', '.join(sorted(PERSONAS))}"
    placed: list[tuple[str, NodesSpec | BucketSpec]] = [(f"nodes[{n}]", nodes) for n, nodes in enumerate(spec.nodes)]
    placed += [(f"buckets[{n}]", bucket) for n, bucket in enumerate(spec.buckets)]
    for place, entry in placed:
        if entry.account not in accounts:
            yield f"{place}.account: {entry.account} is no account of this organization; list it first"
        if entry.region not in spec.regions:
            yield f"{place}.region: {entry.region} is not among regions ({', '.join(spec.regions)}); add it there"
    for number, delegation in enumerate(spec.organization.delegated_administrators):
        if delegation.account not in accounts - {spec.organization.management.id}:
            yield f"organization.delegated_administrators[{number}].account: {delegation.account} is no member account"
