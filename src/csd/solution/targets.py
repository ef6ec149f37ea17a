"""DeploymentTargets sorted into OU ids and account ids, with nothing but CloudFormation's own text functions (ADR 0022).

Flow: `PARTS[name]` takes the place of {csd_part: NAME} in the template's source, `CONDITIONS` that of {csd_conditions: targets}.

A list cannot be filtered in CloudFormation, but AWS::NoValue takes a member out of one: so each of the first ten positions has two
conditions, and a list of ten Fn::If leaves what is of one kind. Lists of one kind alone are not sorted and may have any length.
The list of trusted keys is taken apart in the same way; of a position that it does not have, padding makes an empty text.
"""

from typing import Any

MIXED_MAX = 10
_PAD = "-"
"""What stands in positions that the operator has left free: neither an OU id nor an account id."""

Value = dict[str, Any]


def _joined(*parts: Any) -> Value:
    return {"Fn::Join": ["", list(parts)]}


def _without(text: Any, what: str) -> Value:
    return {"Fn::Join": ["", {"Fn::Split": [what, text]}]}


_TARGETS = _without({"Ref": "DeploymentTargets"}, " ")
_PADDED = {"Fn::Split": [",", _joined(_TARGETS, f",{_PAD}" * (MIXED_MAX - 1))]}


def _target(position: int) -> Value:
    return {"Fn::Select": [position, _PADDED]}


def _conditions() -> dict[str, Value]:
    found: dict[str, Value] = {}
    for position in range(MIXED_MAX):
        name, target = f"Target{position}", _target(position)
        found[f"{name}IsUnit"] = {"Fn::Equals": ["ou", {"Fn::Select": [0, {"Fn::Split": ["-", target]}]}]}
        found[f"{name}IsAccount"] = {"Fn::Not": [{"Fn::Or": [{"Condition": f"{name}IsUnit"}, {"Fn::Equals": [target, _PAD]}]}]}
    return found


def _only(kind: str) -> list[Value]:
    nothing = {"Ref": "AWS::NoValue"}
    return [{"Fn::If": [f"Target{position}Is{kind}", _target(position), nothing]} for position in range(MIXED_MAX)]


_KEYS = _without({"Ref": "TrustedKeys"}, " ")
_PADDED_KEYS = {"Fn::Split": [",", _joined(_KEYS, ",,")]}
CONDITIONS = _conditions()
PARTS: dict[str, Any] = {
    "targets": _TARGETS,
    "targetsWithoutUnits": _without(_joined(",", _TARGETS), ",ou-"),
    "units": _only("Unit"),
    "accounts": _only("Account"),
    "trustedKeys": {"Fn::Split": [",", _KEYS]},
    "secondKey": {"Fn::Select": [1, _PADDED_KEYS]},
    "thirdKey": {"Fn::Select": [2, _PADDED_KEYS]},
}
