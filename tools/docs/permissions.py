"""The page of the permissions: what each role may do, and what for.

Flow: the rendered templates -> statements; permissions.yaml -> purposes -> a table for each role.
"""

from collections.abc import Iterator

from csd.solution.roles import Statement, purposes, statements
from tools.docs.markdown import code, page, table

INTRODUCTION = """\
Every action that the solution's roles may take, on what, and what for; read from the rendered templates and from
`src/csd/solution/permissions.yaml`. Nothing else is allowed: no managed policy is attached. An action that none of our scripts calls,
but AWS in our stead, names where AWS says so.

`${AWS::AccountId}` is the role's own account, `${HubAccountId}` the hub's; `${PackagesBucket}` and `${PackageNames}` are parameters of the
template, `*` unless you narrow them. `${TrustedKeys}` are the ARNs that the parameter lists; without them the statement is not there."""
ROLES = {
    "CSD-SystemsManager-AutomationAdministrationRole": "In the hub; Systems Manager takes it for runs in the hub's own account only.",
    "CSD-FleetReaderHubRole": "In the hub; people of the hub account who may assume it read the fleet by it: `csd status`.",
    "CSD-SystemsManager-AutomationExecutionRole": "In every member; the hub's administration role takes it, and Systems Manager does.",
    "CSD-FleetReaderRole": "In every member; the hub's fleet reader takes it.",
}


def permissions_page() -> str:
    """Return docs/reference/permissions.md."""
    return page("Permissions", INTRODUCTION, *(part for role, told in ROLES.items() for part in _role(role, told)))


def _role(role: str, told: str) -> Iterator[str]:
    yield f"## {code(role)}"
    yield told
    rows = [row for one in statements() if one.role == role for row in _rows(one)]
    yield table(("statement", "action", "on", "what for", "where AWS says so"), rows)


def _rows(one: Statement) -> Iterator[tuple[str, str, str, str, str]]:
    told = purposes()
    for number, action in enumerate(one.actions):
        purpose = told[one.role, one.sid, action]
        effect = "" if one.effect == "Allow" else " (denied)"
        named = f"{code(one.sid)}{effect}" if not number else ""
        resources = ", ".join(code(resource) for resource in one.resources) if not number else ""
        yield named, code(action), resources, purpose.why, purpose.aws
