"""The Condition block: operators on keys, over one value or over sets of values.

Flow: {"StringEquals": {"aws:SourceAccount": ["1", "2"]}} -> `Condition` values -> `holds(lookup)` for one request.
Rules: all conditions of a statement must hold; of the values of one key any (for negated operators: none) must match. A missing key
fails a condition, satisfies a negated one, any ...IfExists and ForAllValues. Key names are case-insensitive, values are not.
Refuses to know: where the values come from (facts.py), and which keys exist (keys.py).

AWS: IAM user guide, "IAM JSON policy elements: Condition operators", "Multivalued context keys", "Evaluation logic for multiple
context keys or values".
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from localorg.identity.findings import SYNTAX, VENDOR, Findings
from localorg.identity.operators import OPERATORS
from localorg.identity.templates import Lookup, Template, template
from localorg.kernel.errors import NotSupported

IF_EXISTS, NULL = "IfExists", "Null"
EACH, ANY = "ForAllValues", "ForAnyValue"
_OPERATOR = re.compile(rf"(?:(?P<over>{EACH}|{ANY}):)?(?P<name>\w+?)(?P<forgiving>{IF_EXISTS})?")
KEY = re.compile(r"[^\s:]+:[^\s:].*", re.DOTALL)
"""AWS: "Conditions must be prefaced by a vendor"."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: does it hold for a request? `over` says how it takes a set of values; `forgiving` is ...IfExists."""

    name: str
    key: str
    values: tuple[Template, ...]
    over: str = ""
    forgiving: bool = False

    def holds(self, lookup: Lookup) -> bool:
        """Say whether the condition is true for the request that `lookup` describes. Raises NotSupported."""
        found = lookup(self.key) or ()
        if self.name == NULL:
            return any((wanted.text(lookup) or "").lower() == ("false" if found else "true") for wanted in self.values)
        matches, negated = OPERATORS[self.name]
        if self.over and found == ("",):
            # AWS: a set that "resolves to a null data set, such as an empty string" is no set.
            found = ()
        if not found:
            return self.forgiving or (self.over == EACH if self.over else negated)
        each = (any(matches(value, wanted, lookup) for wanted in self.values) != negated for value in found)
        if self.over:
            return all(each) if self.over == EACH else any(each)
        # ASSUMED: several values without ForAnyValue or ForAllValues, which AWS advises against, are judged as a set of which one
        # must match (for a negated operator: none).
        return all(each) if negated else any(each)


def all_hold(tests: Iterable[Callable[[], bool]]) -> bool:
    """Say whether every test holds. What cannot be judged only matters when all others hold: then its NotSupported is raised."""
    unsure: NotSupported | None = None
    for test in tests:
        try:
            if not test():
                return False
        except NotSupported as unjudgeable:
            unsure = unsure or unjudgeable
    if unsure:
        raise unsure
    return True


def parse_conditions(block: Any, place: str, findings: Findings, *, variables: bool) -> tuple[Condition, ...]:
    """Return the conditions of a statement; what is wrong goes to `findings`."""
    if not isinstance(block, dict):
        findings.add(SYNTAX, place, f"expected an object, found {block!r}")
        return ()
    return tuple(_entries(block, place, findings, variables=variables))


def _entries(block: dict[str, Any], place: str, findings: Findings, *, variables: bool) -> Iterator[Condition]:
    for operator, keys in block.items():
        parts = _OPERATOR.fullmatch(operator)
        known = parts and (parts["name"] in OPERATORS or (parts["name"] == NULL and not parts["forgiving"]))
        if not parts or not known:
            findings.add(f"Invalid Condition type : {operator}.", place)
        elif not isinstance(keys, dict):
            findings.add(SYNTAX, f"{place}.{operator}", f"expected an object of condition keys, found {keys!r}")
        else:
            for key, values in keys.items():
                texts = _texts(values)
                if not KEY.fullmatch(key):
                    findings.add(VENDOR, f"{place}.{operator}", f"found the key {key!r}")
                elif texts is None:
                    findings.add(SYNTAX, f"{place}.{operator}.{key}", f"expected a string or a list of strings, found {values!r}")
                else:
                    templates = tuple(template(text, variables=variables) for text in texts)
                    yield Condition(parts["name"], key, templates, parts["over"] or "", bool(parts["forgiving"]))


def _texts(values: Any) -> list[str] | None:
    """Return the values of one key as texts. AWS: numbers, true and false may be written without quotes."""
    texts = []
    for item in values if isinstance(values, list) else [values]:
        match item:
            case bool():
                texts.append("true" if item else "false")
            case int() | float() | str():
                texts.append(str(item))
            case _:
                return None
    return texts
