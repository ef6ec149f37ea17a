"""Stack policies: which resources an update may touch, and how.

Flow: text -> `checked` (raises ValidationError when it is none) -> kept on the stack -> `objection` says why an action is not allowed.
Rules: without a policy everything is allowed; with one, only what it allows and does not deny.

AWS: CloudFormation user guide, "Prevent updates to stack resources".
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from localorg.kernel.globs import plain
from localorg.stacks.template import invalid

ACTIONS = ("Update:Modify", "Update:Replace", "Update:Delete")
BYTES_MAX = 16_384
"""AWS: API reference, StackPolicyBody."""
_KEYS = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "Condition"})
_OPERATORS = frozenset({"StringEquals", "StringLike"})


def checked(text: str) -> str:
    """Return `text`. Raises ValidationError unless it is a stack policy that is understood."""
    if len(text.encode()) > BYTES_MAX:
        raise invalid(f"Error validating stack policy: at most {BYTES_MAX} bytes are allowed")
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid(f"Error validating stack policy: it is not well-formed JSON: {error}") from error
    found = list(_problems(policy))
    if found:
        # ASSUMED: the words after the colon.
        raise invalid(f"Error validating stack policy: {'; '.join(found)}")
    return text


def _problems(policy: Any) -> Iterator[str]:
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if not isinstance(statements, list) or not all(isinstance(one, dict) for one in statements):
        yield "a policy has a list of statements"
        return
    for number, statement in enumerate(statements, 1):
        for key in sorted(set(statement) - _KEYS):
            yield f"statement #{number}: unknown element {key}"
        if statement.get("Effect") not in ("Allow", "Deny"):
            yield f"statement #{number}: Effect is Allow or Deny"
        if statement.get("Principal") not in ("*", {"AWS": "*"}):
            # AWS: "The Principal element is required, but supports only the wild card (*)".
            yield f"statement #{number}: Principal supports only *"
        for one, other in (("Action", "NotAction"), ("Resource", "NotResource")):
            if (one in statement) == (other in statement):
                yield f"statement #{number}: either {one} or {other} is needed"
        yield from _unknown_words(number, statement)


def _unknown_words(number: int, statement: Mapping[str, Any]) -> Iterator[str]:
    for action in _list(statement.get("Action", statement.get("NotAction", ()))):
        if action != "*" and action not in (*ACTIONS, "Update:*"):
            yield f"statement #{number}: unknown action {action}"
    for resource in _list(statement.get("Resource", statement.get("NotResource", ()))):
        if resource != "*" and not str(resource).startswith("LogicalResourceId/"):
            yield f"statement #{number}: a resource is * or LogicalResourceId/NAME, found {resource}"
    condition = statement.get("Condition", {})
    if not isinstance(condition, dict) or not all(
        name in _OPERATORS and isinstance(rule, dict) and set(rule) == {"ResourceType"} for name, rule in condition.items()
    ):
        yield f"statement #{number}: a condition asks with {' or '.join(sorted(_OPERATORS))} for the ResourceType"


def objection(text: str, action: str, logical_id: str, type_name: str) -> str:
    """Return why a stack policy does not allow `action` on a resource, or an empty string."""
    if not text:
        return ""
    resource, allowed = f"LogicalResourceId/{logical_id}", False
    for number, statement in enumerate(json.loads(text)["Statement"]):
        if not _applies(statement, action, resource, type_name):
            continue
        if statement["Effect"] == "Deny":
            # AWS: CloudFormation's sentence, statements counted from nought.
            return f"Action denied by stack policy: Statement [#{number}] does not allow [{action}] for resource [{resource}]"
        allowed = True
    return "" if allowed else f"Action denied by stack policy: no statement allows [{action}] for resource [{resource}]"


def _applies(statement: Mapping[str, Any], action: str, resource: str, type_name: str) -> bool:
    if not _named(statement, "Action", action) or not _named(statement, "Resource", resource):
        return False
    for operator, rule in statement.get("Condition", {}).items():
        patterns = _list(rule["ResourceType"])
        if not any(type_name == one if operator == "StringEquals" else _like(str(one), type_name) for one in patterns):
            return False
    return True


def _named(statement: Mapping[str, Any], member: str, value: str) -> bool:
    if member in statement:
        return any(_like(str(one), value) for one in _list(statement[member]))
    return not any(_like(str(one), value) for one in _list(statement[f"Not{member}"]))


def _like(pattern: str, value: str) -> bool:
    return plain(pattern)(value)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
