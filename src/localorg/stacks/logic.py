"""Conditions and rules: values that are true or false.

Flow: `truth(value, scope)` for an expression; `broken_rules(rules, scope)` for the Rules section of a template.
Rules: the functions here are allowed in Conditions and Rules only; those that ask about lists only in Rules.

AWS: CloudFormation user guide, "Condition functions", "Rule-specific intrinsic functions".
"""

from collections.abc import Callable, Iterator
from typing import Any

from localorg.stacks.functions import Scope, pair, resolve, text_of
from localorg.stacks.parameter_types import kind_of
from localorg.stacks.template import invalid


def _equals(argument: Any, scope: Scope) -> bool:
    left, right = pair(argument, "Fn::Equals")
    return bool(_comparable(resolve(left, scope)) == _comparable(resolve(right, scope)))


def _comparable(value: Any) -> Any:
    return text_of(value, "Fn::Equals") if isinstance(value, bool | int | float) else value


def _and(argument: Any, scope: Scope) -> bool:
    return all(truth(part, scope, "Fn::And") for part in _operands(argument, "Fn::And"))


def _or(argument: Any, scope: Scope) -> bool:
    return any(truth(part, scope, "Fn::Or") for part in _operands(argument, "Fn::Or"))


def _operands(argument: Any, name: str) -> list[Any]:
    if not isinstance(argument, list) or not 2 <= len(argument) <= 10:
        raise invalid(f"Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters.")
    return argument


def _not(argument: Any, scope: Scope) -> bool:
    if not isinstance(argument, list) or len(argument) != 1:
        raise invalid("Template error: Every Fn::Not object requires one boolean parameter.")
    return not truth(argument[0], scope, "Fn::Not")


def truth(value: Any, scope: Scope, place: str) -> bool:
    """Return what a condition comes to. Raises ValidationError when it is no boolean or calls what it may not."""
    if isinstance(value, dict) and len(value) == 1:
        name = next(iter(value))
        if name in LOGIC:
            logic = LOGIC[name]
            return logic(value[name], scope)
    found = resolve(value, scope)
    if isinstance(found, str) and found in ("true", "false"):
        return found == "true"
    if not isinstance(found, bool):
        raise invalid(f"Template error: {place} expects a condition, found {found!r}")
    return found


def _condition(argument: Any, scope: Scope) -> bool:
    if not isinstance(argument, str):
        raise invalid(f"Template error: Condition expects the name of a condition, found {argument!r}")
    return scope.condition(argument)


def _contains(argument: Any, scope: Scope) -> bool:
    items, wanted = pair(argument, "Fn::Contains")
    return _comparable(resolve(wanted, scope)) in _members(items, scope, "Fn::Contains")


def _each_member_equals(argument: Any, scope: Scope) -> bool:
    items, wanted = pair(argument, "Fn::EachMemberEquals")
    return all(item == _comparable(resolve(wanted, scope)) for item in _members(items, scope, "Fn::EachMemberEquals"))


def _each_member_in(argument: Any, scope: Scope) -> bool:
    items, allowed = pair(argument, "Fn::EachMemberIn")
    return set(_members(items, scope, "Fn::EachMemberIn")) <= set(_members(allowed, scope, "Fn::EachMemberIn"))


def _ref_all(argument: Any, scope: Scope) -> list[str]:
    if not isinstance(argument, str) or not kind_of(argument).names:
        raise invalid(
            f"Template error: Fn::RefAll expects an AWS-specific parameter type that localorg supports, found {argument!r}"
        )
    return scope.of_type(argument)


def _members(value: Any, scope: Scope, place: str) -> list[Any]:
    match value:
        case {"Fn::RefAll": argument} if len(value) == 1:
            found: Any = _ref_all(argument, scope)
        case _:
            found = resolve(value, scope)
    if not isinstance(found, list):
        raise invalid(f"Template error: {place} expects a list, found {found!r}")
    return [_comparable(item) for item in found]


LOGIC: dict[str, Callable[[Any, Scope], bool]] = {
    "Fn::Equals": _equals,
    "Fn::And": _and,
    "Fn::Or": _or,
    "Fn::Not": _not,
    "Condition": _condition,
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_member_equals,
    "Fn::EachMemberIn": _each_member_in,
}
LISTS = frozenset({"Fn::RefAll"})
"""What gives lists to the functions of rules. Fn::ValueOf and Fn::ValueOfAll tell of networks, which localorg has none of."""
RULES_ONLY = frozenset({"Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"})


def broken_rules(rules: dict[str, Any], scope: Scope) -> Iterator[str]:
    """Yield a sentence for each assertion of the template's rules that does not hold."""
    for name, rule in rules.items():
        if "RuleCondition" in rule and not truth(rule["RuleCondition"], scope, f"[/Rules/{name}/RuleCondition]"):
            continue
        for number, assertion in enumerate(rule["Assertions"]):
            if not truth(assertion["Assert"], scope, f"[/Rules/{name}/Assertions/{number}]"):
                # ASSUMED: the sentence around the description; AWS shows the description.
                why = assertion.get("AssertDescription", f"assertion {number} does not hold")
                yield f"Rule {name}: {why}"
