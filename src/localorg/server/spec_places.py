"""What the entries of a spec say about each other: ids that must exist, be unique, fit AWS's limits.

Flow: the YAML's plain content -> `place_problems` -> one sentence for each problem, with place and remedy.
Rules: it reads leniently, so that a file with a misspelt key still gets these problems too, all at once; what has the wrong shape is
passed over here, for `localorg.server.spec` says that.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from localorg.organization.trusted import RECOGNIZED, WITH_ADMINISTRATOR
from localorg.protocol import partitions
from localorg.server.personas import PERSONAS

OU_DEPTH_MAX = 5
"""AWS: Organizations user guide, "Quotas": OU maximum nesting in a root, five levels deep."""
TAGS_MAX, TAG_KEY_MAX, TAG_VALUE_MAX = 50, 128, 256
"""AWS: EC2 user guide, "Tag restrictions"."""
ACCOUNT = re.compile(r"[0-9]{12}")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


@dataclass
class _Outline:
    """The accounts and units of a spec, wherever they stand; what is no text counts as missing."""

    accounts: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    is_too_deep: bool = False

    def account(self, entry: Any) -> None:
        """Note an account."""
        self.accounts += _texts([_mapping(entry).get("id")])
        self.names += [name.lower() for name in _texts([_mapping(entry).get("name")])]

    def unit(self, entry: dict[str, Any], depth: int) -> None:
        """Note a unit and what is below it. Too deep a level is not entered: a YAML alias may lead round in a circle."""
        if depth > OU_DEPTH_MAX:
            self.is_too_deep = True
            return
        self.units += _texts([entry.get("id")])
        for _, account in _entries(entry.get("accounts")):
            self.account(account)
        for _, unit in _entries(entry.get("units")):
            self.unit(unit, depth + 1)


def place_problems(content: Any) -> list[str]:
    """Return a sentence for each thing that does not fit another in the content of a spec, whatever its shape."""
    spec = _mapping(content)
    organization = _mapping(spec.get("organization"))
    outline = _Outline()
    for account in (organization.get("management"), *(account for _, account in _entries(organization.get("accounts")))):
        outline.account(account)
    for _, unit in _entries(organization.get("units")):
        outline.unit(unit, 1)
    members = set(outline.accounts) - set(_texts([_mapping(organization.get("management")).get("id")]))
    for _, account in _entries(spec.get("outside")):
        outline.account(account)
    return [
        *_repetitions(spec, outline),
        *_region_problems(spec),
        *_organization_problems(organization, outline, members),
        *_service_problems(organization),
        *_node_problems(spec),
        *_location_problems(spec, outline),
    ]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> list[tuple[int, dict[str, Any]]]:
    return [(number, entry) for number, entry in enumerate(value) if isinstance(entry, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _twice(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _repetitions(spec: dict[str, Any], outline: _Outline) -> Iterator[str]:
    for region in _twice(_texts(spec.get("regions"))):
        yield f"regions: {region} is listed twice; list it once"
    for account in _twice(outline.accounts):
        yield f"account {account} is listed twice; an account is in one place only"
    for name in _twice(outline.names):
        yield f"account name {name} is used twice; e-mail addresses are made of the names, so give another"
    for unit in _twice(outline.units):
        yield f"unit {unit} is listed twice; choose another id"
    for bucket in _twice(_texts([bucket.get("name") for _, bucket in _entries(spec.get("buckets"))])):
        yield f"bucket {bucket} is listed twice; bucket names are global"


def _region_problems(spec: dict[str, Any]) -> Iterator[str]:
    name = spec.get("partition", "aws")
    if name not in partitions.NAMES:
        return
    ours = partitions.partition(name)
    for number, region in enumerate(_texts(spec.get("regions"))):
        if ours.has(region):
            continue
        there = partitions.partition_of(region)
        known = ", ".join(known for known in ours.regions if not known.endswith("-global"))
        if there is not None:
            yield f"regions[{number}]: {region} is a Region of the partition {there}, this organization is in {name}; it has {known}"
        elif REGION.fullmatch(region):
            yield f"regions[{number}]: {region} is no Region of the partition {name}; it has {known}"


def _organization_problems(organization: dict[str, Any], outline: _Outline, members: set[str]) -> Iterator[str]:
    root = organization.get("root", "r-abcd")
    suffix = root.removeprefix("r-") if isinstance(root, str) else ""
    for unit in outline.units if suffix else ():
        if not unit.startswith(f"ou-{suffix}-"):
            yield f"unit {unit}: ids of units begin with ou- and the root's suffix; use ou-{suffix}-…"
    management = _mapping(organization.get("management"))
    if (state := management.get("state", "ACTIVE")) != "ACTIVE":
        yield f"organization.management.state: the management account is always ACTIVE, found {state}"
    if "joined" in management:
        yield "organization.management.joined: AWS always shows the management account as INVITED; remove the key"
    if outline.is_too_deep:
        yield f"organization.units: nested deeper than {OU_DEPTH_MAX}; AWS allows {OU_DEPTH_MAX} levels below the root"
    for number, delegation in _entries(organization.get("delegated_administrators")):
        account = delegation.get("account")
        if _is_account(account) and account not in members:
            yield f"organization.delegated_administrators[{number}].account: {account} is no member account"


def _service_problems(organization: dict[str, Any]) -> Iterator[str]:
    for number, trusted in enumerate(_texts(organization.get("trusted_services"))):
        if trusted not in RECOGNIZED:
            yield f"organization.trusted_services[{number}]: {trusted} does not work with AWS Organizations; correct or remove it"
    for number, delegation in _entries(organization.get("delegated_administrators")):
        service = delegation.get("service")
        if isinstance(service, str) and service not in WITH_ADMINISTRATOR:
            yield f"organization.delegated_administrators[{number}].service: {service} takes no delegated administrator"


def _is_account(value: Any) -> bool:
    return isinstance(value, str) and ACCOUNT.fullmatch(value) is not None


def _node_problems(spec: dict[str, Any]) -> Iterator[str]:
    for number, nodes in _entries(spec.get("nodes")):
        persona = nodes.get("persona")
        if isinstance(persona, str) and persona not in PERSONAS:
            yield f"nodes[{number}].persona: {persona!r} is not known; choose one of {', '.join(sorted(PERSONAS))}"
        tags = _mapping(nodes.get("tags"))
        if len({"Name", *tags}) > TAGS_MAX:
            yield f"nodes[{number}].tags: {len(tags)} tags; a node has at most {TAGS_MAX}, its Name among them"
        for key, value in tags.items():
            if isinstance(key, str) and (not 1 <= len(key) <= TAG_KEY_MAX or key.lower().startswith("aws:")):
                yield f"nodes[{number}].tags: keys have 1 to {TAG_KEY_MAX} characters and do not begin with aws:, found {key!r}"
            if isinstance(value, str) and len(value) > TAG_VALUE_MAX:
                yield f"nodes[{number}].tags.{key}: values have at most {TAG_VALUE_MAX} characters, found {len(value)}"


def _location_problems(spec: dict[str, Any], outline: _Outline) -> Iterator[str]:
    regions = _texts(spec.get("regions"))
    for number, outsider in _entries(spec.get("outside")):
        if "joined" in outsider:
            yield f"outside[{number}].joined: the account has not joined the organization; remove the key"
    for kind in ("nodes", "buckets"):
        for number, entry in _entries(spec.get(kind)):
            account, region = entry.get("account"), entry.get("region")
            if _is_account(account) and account not in outline.accounts:
                yield f"{kind}[{number}].account: {account} is no account of this organization; list it first"
            if isinstance(region, str) and regions and region not in regions:
                yield f"{kind}[{number}].region: {region} is not among regions ({', '.join(regions)}); add it there"
            name = entry.get("name")
            if kind == "buckets" and isinstance(name, str) and ".." in name:
                # AWS: S3 user guide, "Bucket naming rules".
                yield f"{kind}[{number}].name: two periods may not stand side by side, found {name!r}"
