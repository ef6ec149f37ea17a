"""The Condition block: operators and keys that this evaluator knows, and a refusal by name for all others.

Flow: {"StringEquals": {"aws:SourceAccount": ["1", "2"]}} -> `Condition` values -> `holds(lookup)` for one request.
Rules: all conditions of a statement must hold; of the values of one key any (for negated operators: none) must match. A missing key
fails a condition, satisfies a negated one and any ...IfExists. Key names are case-insensitive, values are not.
Refuses to know: where the values come from (authorise.py).

AWS: IAM user guide, "IAM JSON policy elements: Condition operators" and "AWS global condition context keys".
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from localorg.identity.templates import Lookup, Template, template
from localorg.kernel.errors import NotSupported

SUPPORTED_KEYS: dict[str, str] = {
    key.lower(): key
    for key in (
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalOrgID",
        "aws:PrincipalServiceName",
        "aws:PrincipalType",
        "aws:RequestedRegion",
        "aws:ResourceAccount",
        "aws:ResourceOrgID",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceOrgID",
        "aws:userid",
        "aws:username",
        "iam:AWSServiceName",
        "iam:PassedToService",
        "iam:PolicyARN",
        "s3:prefix",
        "sts:ExternalId",
        "sts:RoleSessionName",
    )
}
"""Keys by lower-case name. Each of them is filled truthfully or is truthfully absent."""

TAG_KEYS = ("aws:ResourceTag", "ec2:ResourceTag", "ssm:resourceTag")
"""Keys that go on with a slash and the key of a tag, such as ssm:resourceTag/Stage."""
_TAG_KEY = re.compile(f"({'|'.join(TAG_KEYS)})/.+", re.IGNORECASE)


def is_known(key: str) -> bool:
    """Say whether a condition key, in any case, is filled truthfully here."""
    return key.lower() in SUPPORTED_KEYS or _TAG_KEY.fullmatch(key) is not None


Matcher = Callable[[str, Template, Lookup], bool]
"""(value in the request, value in the policy, the request) -> do they match?"""


def _equal(found: str, wanted: Template, lookup: Lookup) -> bool:
    return wanted.text(lookup) == found


def _equal_any_case(found: str, wanted: Template, lookup: Lookup) -> bool:
    text = wanted.text(lookup)
    return text is not None and text.lower() == found.lower()


def _like(found: str, wanted: Template, lookup: Lookup) -> bool:
    pattern = wanted.pattern(lookup)
    return pattern is not None and pattern(found)


def _arn_like(found: str, wanted: Template, lookup: Lookup) -> bool:
    """AWS: each of the six colon-delimited parts is compared by itself; ArnEquals and ArnLike behave identically."""
    pattern = wanted.pattern(lookup, "arn-parts")
    return pattern is not None and found.count(":") >= 5 and pattern(found)


OPERATORS: dict[str, tuple[Matcher, bool]] = {
    "ArnEquals": (_arn_like, False),
    "ArnLike": (_arn_like, False),
    "ArnNotEquals": (_arn_like, True),
    "ArnNotLike": (_arn_like, True),
    "Bool": (_equal_any_case, False),
    "StringEquals": (_equal, False),
    "StringEqualsIgnoreCase": (_equal_any_case, False),
    "StringLike": (_like, False),
    "StringNotEquals": (_equal, True),
    "StringNotEqualsIgnoreCase": (_equal_any_case, True),
    "StringNotLike": (_like, True),
}
"""Operator -> (how one value matches, negated?). Each also exists with the suffix IfExists; `Null` stands apart."""
IF_EXISTS = "IfExists"
_KNOWN_TO_AWS = re.compile(
    r"(ForAnyValue:|ForAllValues:)?(String(Not)?Equals(IgnoreCase)?|String(Not)?Like|Numeric\w+|Date\w+|Bool|BinaryEquals|(Not)?IpAddress"
    r"|Arn(Not)?(Equals|Like))(IfExists)?|(ForAnyValue:|ForAllValues:)?Null"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: does it hold for a request?"""

    operator: str
    key: str
    values: tuple[Template, ...]

    def holds(self, lookup: Lookup) -> bool:
        """Say whether the condition is true for the request that `lookup` describes."""
        found = lookup(self.key)
        if self.operator == "Null":
            return any(wanted.source.lower() == ("true" if found is None else "false") for wanted in self.values)
        matches, negated = OPERATORS[self.operator.removesuffix(IF_EXISTS)]
        if found is None:
            return negated or self.operator.endswith(IF_EXISTS)
        return any(matches(found, wanted, lookup) for wanted in self.values) != negated


@dataclass(frozen=True, slots=True)
class Unevaluable:
    """A condition of an AWS managed policy that this evaluator cannot judge; whoever depends on it is refused by name."""

    what: str

    def holds(self, _lookup: Lookup) -> bool:
        """Raise NotSupported: neither yes nor no would be honest."""
        raise NotSupported(self.what, "a policy that decides this call")


class Findings:
    """What is wrong with a document: AWS would refuse it (`malformed`), or only localorg does (`unsupported`)."""

    def __init__(self) -> None:
        self.malformed: list[str] = []
        self.unsupported: list[str] = []


def parse_conditions(block: Any, place: str, findings: Findings, *, variables: bool) -> tuple[Condition | Unevaluable, ...]:
    """Return the conditions of a statement; what is wrong or unknown goes to `findings`."""
    if not isinstance(block, dict):
        findings.malformed.append(f"{place}: Syntax errors in policy: Condition must be an object, found {block!r}")
        return ()
    return tuple(_entries(block, place, findings, variables=variables))


def _entries(block: dict[str, Any], place: str, findings: Findings, *, variables: bool) -> Iterator[Condition | Unevaluable]:
    for operator, keys in block.items():
        if not _KNOWN_TO_AWS.fullmatch(operator):
            findings.malformed.append(f"{place}.{operator}: Invalid Condition type : {operator}")
        elif not isinstance(keys, dict):
            findings.malformed.append(f"{place}.{operator}: Syntax errors in policy: expected an object of condition keys")
        else:
            for key, values in keys.items():
                yield _entry(operator, key, values, f"{place}.{operator}.{key}", findings, variables=variables)


def _entry(operator: str, key: str, values: Any, place: str, findings: Findings, *, variables: bool) -> Condition | Unevaluable:
    texts = _texts(values)
    if texts is None:
        findings.malformed.append(f"{place}: Syntax errors in policy: expected a string or a list of strings, found {values!r}")
        return Unevaluable(f"{values!r}")
    unknown = []
    if operator != "Null" and operator.removesuffix(IF_EXISTS) not in OPERATORS:
        unknown.append(f"the condition operator {operator}")
    if not is_known(key):
        unknown.append(f"the condition key {key}")
    templates = tuple(template(text, variables=variables) for text in texts)
    unknown += [f"the policy variable ${{{name}}}" for item in templates for name in item.keys if not is_known(name)]
    if unknown:
        findings.unsupported += [f"{what} ({place})" for what in unknown]
        return Unevaluable(" and ".join(unknown))
    return Condition(operator, key.lower(), templates)


def _texts(values: Any) -> list[str] | None:
    listed = values if isinstance(values, list) else [values]
    texts = [("true" if item else "false") if isinstance(item, bool) else item for item in listed]
    return texts if all(isinstance(item, str) for item in texts) else None
