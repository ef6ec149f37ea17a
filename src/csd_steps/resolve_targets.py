"""Check every input at once and turn it into what the later steps need: accounts, Regions, Run Command targets."""

import json
import re
from typing import Any

import boto3

OU = re.compile(r"^ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}$")
ACCOUNT = re.compile(r"^\d{12}$")
REGION = re.compile(r"^[a-z]{2,}(-[a-z]+)+-\d$")
NODE = re.compile(r"^(i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})$")
PLAIN_NAME = re.compile(r"^[a-zA-Z0-9_.-]{3,128}$")
DOCUMENT_ARN = re.compile(r"^arn:[^:]+:ssm:[^:]+:(\d{12}):document/([a-zA-Z0-9_.-]{3,128})$")
VERSION = re.compile(r"^[a-zA-Z0-9_.-]{1,128}$")
NODE_KEYS = ("InstanceIds", "instanceids", "AWS::EC2::Instance", "ParameterValues")
SHARES_MAX = 1000  # AWS: a document is shared with at most 1,000 accounts
LIST_MAX = 100  # AWS: a script returns lists of at most 100 items
NOBODY = "000000000000"  # AWS: ExcludeAccounts has at least one member. ASSUMED: it may be one that is no target
VALUE_MAX = 512  # AWS: AutomationParameterValue


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Raises ValueError with all problems."""
    problems: list[str] = []
    name, owner = _read_name(events, problems)
    key, values = _read_nodes(events, problems)
    arguments = _read_arguments(events.get("additionalArguments"), problems)
    targets = _unique(events["targetAccounts"])
    regions = _unique(events["targetRegions"])
    problems += [f"targetAccounts: {t!r} is no OU id or account id" for t in targets if not OU.match(t) and not ACCOUNT.match(t)]
    problems += [f"targetRegions: {r!r} is no Region" for r in regions if not REGION.match(r)]
    if not targets or not regions:
        problems.append("targetAccounts, targetRegions: name at least one of each")
    _stop_at(problems)
    organizations = client("organizations", region_name=events["home"])
    management = organizations.describe_organization()["Organization"]["MasterAccountId"]
    shunned = "" if events["includeManagementAccount"] == "true" else management
    locations, accounts = _expand(organizations, targets, shunned, problems)
    _stop_at(problems)
    active = sorted(a for a, state in accounts.items() if state == "ACTIVE")
    left_out = sorted(a for a, state in accounts.items() if state != "ACTIVE")
    others = "left out: " + (", ".join(f"{a} ({accounts[a]})" for a in left_out[:LIST_MAX]) or "none")
    if not 1 <= len(active) <= SHARES_MAX or len(left_out) >= LIST_MAX:
        problems.append(
            f"targetAccounts: {len(active)} ACTIVE (1 to {SHARES_MAX}), {len(left_out)} (fewer than {LIST_MAX}) {others}"
        )
    _stop_at(problems)
    return {
        "name": name,
        "owner": owner,
        "version": events.get("version") or "latest",
        "additionalArguments": arguments,
        "targetKey": key,
        "targetValues": values,
        "locations": locations,
        "excludeAccounts": sorted({*left_out, shunned or NOBODY}),
        "regions": regions,
        "accounts": ",".join(a for a in active if a != events["hub"]),
        "summary": f"{len(active)} accounts, {len(regions)} Regions; {others}",
    }


def _stop_at(problems: list[str]) -> None:
    if problems:
        raise ValueError("wrong input: " + "; ".join(problems))


def _unique(values: list[str]) -> list[str]:
    stripped = [v.strip() for v in values]
    return [v for v in dict.fromkeys(stripped) if v]


def _read_name(events: Any, problems: list[str]) -> tuple[str, str]:
    name, owner = events["name"], events["hub"]
    arn = DOCUMENT_ARN.match(name)
    if events["action"] == "Install":
        if not PLAIN_NAME.match(name):
            problems.append(f"name: {name!r} cannot be published; Install needs a plain package name")
        if not VERSION.match(events.get("version") or ""):
            problems.append("version: Install needs the version that manifest.json says")
        if not events.get("bucketName"):
            problems.append("bucketName: Install needs the bucket of the package")
    elif arn:
        owner, name = arn.groups()
    elif not PLAIN_NAME.match(name):
        problems.append(f"name: {name!r} is no package name and no document ARN")
    return name, owner


def _read_arguments(given: Any, problems: list[str]) -> str:
    """A StringMap reaches a script as an object or as its JSON text; the nodes want text."""
    try:
        arguments = json.loads(given) if isinstance(given, str) and given.strip() else given or {}
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict) or not all(isinstance(v, str) for v in arguments.values()):
        problems.append("additionalArguments: give a JSON object of strings")
        return "{}"
    problems += [f"additionalArguments: {k!r} must begin with SSM_" for k in arguments if not k.startswith("SSM_")]
    text = json.dumps(arguments, sort_keys=True)
    if len(text) > VALUE_MAX:
        problems.append(f"additionalArguments: {len(text)} characters, Automation carries {VALUE_MAX}")
    return text


def _read_nodes(events: Any, problems: list[str]) -> tuple[str, list[str]]:
    """Automation's target keys -> the keys that Run Command resolves in each account and Region."""
    key, values = events["targetKey"], _unique(events["targetValues"].split(","))
    if events.get("InstanceId", "*") != "*":
        if key not in NODE_KEYS or values != ["*"]:
            problems.append("InstanceId: give either InstanceId or targetKey and targetValues")
        key, values = "InstanceIds", _unique(events["InstanceId"].split(","))
    if not values or len(values) > 50 or ("*" in values and len(values) > 1):
        problems.append("targetValues: give '*' alone, or 1 to 50 values")
    if key in NODE_KEYS:
        problems += [f"targetValues: {v!r} is no node id" for v in values if v != "*" and not NODE.match(v)]
        return "InstanceIds", values
    if key.startswith("tag:") and len(key) > 4:
        return ("tag-key", [key[4:]]) if values == ["*"] else (key, values)
    if key == "ResourceGroup":
        if len(values) != 1 or values == ["*"]:
            problems.append("targetValues: name exactly one resource group")
        return "resource-groups:Name", values
    problems.append(f"targetKey: {key!r} is none of tag:KEY, ResourceGroup, {', '.join(NODE_KEYS)}")
    return key, values


def _expand(organizations: Any, targets: list[str], shunned: str, problems: list[str]) -> tuple[list[str], dict[str, str]]:
    """All accounts below the targets with their state, and the targets that no other target contains."""
    missing = (organizations.exceptions.AccountNotFoundException, organizations.exceptions.ParentNotFoundException)
    known: dict[str, dict[str, str]] = {}
    below: dict[str, dict[str, str]] = {}
    for target in targets:
        try:
            if target == shunned:
                problems.append(f"targetAccounts: {target} is the management account: the stack needs IncludeManagementAccount")
            elif OU.match(target):
                below[target] = _descend(organizations, target, known)
            else:
                below[target] = {target: _state_of(organizations.describe_account(AccountId=target)["Account"])}
        except missing:
            problems.append(f"targetAccounts: {target} is not in this organization")
    contained = {inner for target, found in below.items() for inner in found if inner != target}
    accounts = {inner: state for found in below.values() for inner, state in found.items() if ACCOUNT.match(inner)}
    if shunned in accounts:
        accounts[shunned] = "MANAGEMENT"
    return [t for t in targets if t not in contained], accounts


def _descend(organizations: Any, unit: str, known: dict[str, dict[str, str]]) -> dict[str, str]:
    """Everything below a unit: {account or OU id: state}. Each unit is listed once however often it is named."""
    if unit in known:
        return known[unit]
    found: dict[str, str] = {}
    for page in organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=unit):
        found.update((account["Id"], _state_of(account)) for account in page["Accounts"])
    for page in organizations.get_paginator("list_organizational_units_for_parent").paginate(ParentId=unit):
        for child in page["OrganizationalUnits"]:
            found[child["Id"]] = "OU"
            found.update(_descend(organizations, child["Id"], known))
    known[unit] = found
    return found


def _state_of(account: Any) -> str:
    # AWS: Status goes away in September 2026. ASSUMED: the boto3 of Automation may be too old to know State; its pair then tells.
    return str(account.get("State") or account.get("Status") or "ACTIVE")
