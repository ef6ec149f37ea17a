"""The file that describes an organization: YAML in, one checked value out, or every problem at once.

Flow: text -> YAML (a key twice is a problem) -> pydantic models (shape of each entry) and cross-checks (`spec_places`) -> `Spec`.
A wrong file raises `SpecError` with one line per problem: where it is, what was expected, what was found.
Refuses to know: how accounts, nodes and buckets are brought into being; that is `localorg.server.seeding`.
"""

from collections.abc import Hashable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from localorg.server.spec_places import place_problems
from localorg.server.state import LocalorgError

AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
RegionName = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
State = Literal["PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"]
ServicePrincipal = Annotated[str, StringConstraints(pattern=r"^[\w+=,.@-]{1,128}$")]
"""AWS: Organizations API reference, EnableAWSServiceAccess, ServicePrincipal."""
NodeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,58}$")]
"""It becomes the host name, 63 characters at most, with the number of the node behind it."""

EXPLANATIONS = {
    r"^\d{12}$": 'an account id is twelve digits in quotes, for instance "210987654321"',
    r"^[a-z]{2}(-[a-z]+)+-\d$": "a Region looks like eu-west-1",
    r"^[A-Za-z0-9._-]{0,58}$": "a node's name becomes its host name: up to 58 letters, digits, periods, hyphens, underscores",
}


class SpecError(LocalorgError):
    """The file cannot be used; `problems` has one sentence for each reason."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        listed = "\n".join(f"  - {problem}" for problem in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{source} does not describe an organization ({count}):\n{listed}")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountSpec(_Entry):
    """An account, placed under the unit that lists it, or outside the organization."""

    id: AccountId
    name: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    state: State = "ACTIVE"
    """As Organizations has it; only an ACTIVE account can be worked in."""
    joined: Literal["CREATED", "INVITED"] = "CREATED"
    """Whether it was created in the organization, which gave it OrganizationAccountAccessRole, or invited, which did not."""


class UnitSpec(_Entry):
    """An organizational unit with an id of the author's choosing, its accounts and its own units."""

    id: Annotated[str, StringConstraints(pattern=r"^ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    accounts: tuple[AccountSpec, ...] = ()
    units: "tuple[UnitSpec, ...]" = ()


class DelegationSpec(_Entry):
    """A member account that administers one service for the organization."""

    account: AccountId
    service: ServicePrincipal


class OrganizationSpec(_Entry):
    """The organization itself: ids, the management account, what is switched on."""

    id: Annotated[str, StringConstraints(pattern=r"^o-[a-z0-9]{10,32}$")] = "o-localorg01"
    root: Annotated[str, StringConstraints(pattern=r"^r-[0-9a-z]{4,32}$")] = "r-abcd"
    management: AccountSpec
    accounts: tuple[AccountSpec, ...] = ()
    """Accounts directly under the root."""
    units: tuple[UnitSpec, ...] = ()
    trusted_services: tuple[ServicePrincipal, ...] = ("member.org.stacksets.cloudformation.amazonaws.com", "ssm.amazonaws.com")
    """Services that have trusted access from the start; [] is an organization that trusts nobody yet."""
    delegated_administrators: tuple[DelegationSpec, ...] = ()
    policy_types: tuple[Literal["SERVICE_CONTROL_POLICY"], ...] = ("SERVICE_CONTROL_POLICY",)
    """The policy types that are enabled in the root from the start; [] is what Terraform finds before it enables them."""


class NodesSpec(_Entry):
    """`count` nodes alike: where they are, what they pretend to be, whether their agent talks."""

    account: AccountId
    region: RegionName
    count: Annotated[int, Field(ge=1, le=1000)] = 1
    persona: str
    name: NodeName = ""
    tags: dict[str, str] = Field(default_factory=dict)
    online: bool = True
    hybrid: bool = False
    """A machine outside EC2 (mi-…), which registers itself with an activation, instead of an EC2 instance (i-…)."""
    channel: Literal["polls", "control-channel"] = "polls"
    """How messages come to its agent: it asks for them, or keeps a websocket open to the message gateway, as Amazon's agent does."""


class BucketSpec(_Entry):
    """An S3 bucket that exists from the start."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    account: AccountId
    region: RegionName


class Spec(_Entry):
    """A whole organization."""

    partition: Literal["aws", "aws-us-gov", "aws-cn"] = "aws"
    """Which AWS: the commercial Regions, GovCloud (US) or China."""
    regions: Annotated[tuple[RegionName, ...], Field(min_length=1)]
    organization: OrganizationSpec
    outside: tuple[AccountSpec, ...] = ()
    """Accounts that exist outside the organization: they may be invited, and come in."""
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


class _Loader(yaml.SafeLoader):
    """Plain YAML that remembers keys written twice: the last one would win, and nobody would know."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's own
        """Build a mapping, noting the keys that it has twice."""
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                self.repeated.append(f"line {key.start_mark.line + 1}: the key {key.value} is written twice. Keep one.")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_spec(path: Path) -> Spec:
    """Read and check the file at `path`. Raises SpecError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(str(path), [f"the file cannot be read: {error.strerror}. Give --spec a file that exists."]) from error
    except UnicodeDecodeError as error:
        raise SpecError(str(path), [f"byte {error.start} is not UTF-8 text. Save the file as UTF-8."]) from error
    return parse_spec(text, str(path))


def parse_spec(text: str, source: str) -> Spec:
    """Check the YAML `text`; `source` is how messages name it. Raises SpecError."""
    content, problems = _content(text, source)
    spec: Spec | None = None
    try:
        spec = Spec.model_validate(content)
    except ValidationError as error:
        problems += [_sentence(dict(problem)) for problem in error.errors()]
    problems += place_problems(content)
    if spec is None or problems:
        raise SpecError(source, problems)
    return spec


def _content(text: str, source: str) -> tuple[dict[str, Any], list[str]]:
    """Return what the text holds, and its keys that are written twice. Raises SpecError when it holds no keys."""
    try:
        loader = _Loader(text)
        content = loader.get_single_data()
    except yaml.YAMLError as error:
        raise SpecError(source, [f"the text is not YAML: {error}"]) from error
    except RecursionError as error:
        raise SpecError(source, ["the text is nested too deeply. An organization needs some twenty levels at most."]) from error
    except ValueError as error:  # a date or number that has the form of one but is none, such as 2024-99-99
        raise SpecError(source, [f"the text holds a value that YAML cannot read: {error}. Put it in quotes."]) from error
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise SpecError(
            source, [f"the file: expected the keys regions, organization, nodes, buckets; found {found}. Write them."]
        )
    return content, loader.repeated


def _sentence(problem: dict[str, Any]) -> str:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"]).lstrip(".") or "the file"
    pattern = str(problem.get("ctx", {}).get("pattern", ""))
    if problem["type"] == "missing":
        return f"{place}: missing. Add it."
    if problem["type"] == "extra_forbidden":
        return f"{place}: not a known key. Remove it or correct its spelling."
    hint = f"; {EXPLANATIONS[pattern]}" if pattern in EXPLANATIONS else ""
    if problem["type"] == "string_type" and isinstance(problem["input"], bool | int | float | date):
        hint = "; put it in quotes"
    return f"{place}: {problem['msg']}, found {problem['input']!r}{hint}"
