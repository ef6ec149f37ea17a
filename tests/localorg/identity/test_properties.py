"""What must hold for any policy: wildcards, deny, and a parser that never falls over."""

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from identity.world import lookup_in

from localorg.identity.evaluate import Policies, Question, decide
from localorg.identity.policy import Kind, parse_policy
from localorg.identity.templates import template
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Principal

ACCOUNT = "111111111111"
WHO = Principal(kind="user", account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:user/U")
letters = some.text(alphabet="ab:/*?", max_size=8)
plain = some.text(alphabet="ab:/\n", max_size=8)
actions = some.sampled_from(["*", "ssm:*", "ssm:Get*", "SSM:GETDOCUMENT", "ssm:?etDocument", "s3:*", "ssm:PutParameter"])
resources = some.sampled_from(["*", "arn:aws:ssm:*:*:document/*", "arn:aws:ssm:eu-west-1:*:document/D", "arn:aws:s3:::b/*"])
conditions = some.sampled_from(
    [{}, {"StringEquals": {"aws:RequestedRegion": "r"}}, {"StringNotLike": {"aws:PrincipalArn": "*U"}}]
)
statements = some.builds(
    lambda effect, action, resource, condition: {"Effect": effect, **action, **resource, "Condition": condition},
    some.sampled_from(["Allow", "Deny"]),
    some.builds(lambda name, value: {name: value}, some.sampled_from(["Action", "NotAction"]), actions),
    some.builds(lambda name, value: {name: value}, some.sampled_from(["Resource", "NotResource"]), resources),
    conditions,
)
policies = some.lists(statements, min_size=1, max_size=4)
contexts = some.dictionaries(some.sampled_from(["aws:requestedregion", "aws:principalarn"]), some.sampled_from(["r", "xU"]))
questions = some.builds(
    lambda action, resource, context: Question(WHO, action, resource, lookup_in(context), True),
    some.sampled_from(["ssm:GetDocument", "ssm:getdocument", "s3:GetObject"]),
    some.sampled_from(["*", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:document/D", "arn:aws:s3:::b/k"]),
    contexts,
)


def reference_match(pattern: str, text: str) -> bool:
    """The plainest wildcard matcher there is."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(reference_match(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and reference_match(pattern[1:], text[1:])


def allowed(question: Question, *documents: list[dict[str, Any]]) -> bool:
    parsed = tuple(parse_policy({"Version": "2012-10-17", "Statement": listed}, "identity") for listed in documents)
    return decide(question, Policies(identity=parsed)) is None


@given(letters, plain)
def test_wildcards_match_as_the_plainest_matcher_does(pattern: str, text: str) -> None:
    """Documented: IAM user guide, StringLike: * is any characters, ? is one."""
    compiled = template(pattern).pattern(lambda _key: None)
    assert (compiled is not None and compiled(text)) == reference_match(pattern, text)


@given(letters, plain)
def test_an_arn_pattern_never_matches_more_than_a_text_pattern(pattern: str, text: str) -> None:
    """Keeping wildcards to the parts of an ARN only narrows."""
    for grammar in ("arn", "arn-parts"):
        compiled = template(pattern).pattern(lambda _key: None, grammar)  # type: ignore[arg-type]  # a literal, by the loop
        if compiled is not None and compiled(text):
            assert reference_match(pattern, text)


@given(plain, plain)
def test_a_variable_brings_literal_text(prefix: str, value: str) -> None:
    """Documented: IAM user guide, policy variables: the value is compared as it is."""
    compiled = template(f"{prefix}${{aws:username}}").pattern(lambda _key: (value + "*",))
    assert compiled is not None
    assert compiled(f"{prefix}{value}*")
    assert not compiled(f"{prefix}{value}anything")


@given(questions, policies)
def test_a_deny_on_everything_always_wins(question: Question, listed: list[dict[str, Any]]) -> None:
    """Documented: an explicit deny in any policy overrides any allow."""
    assert not allowed(question, listed, [{"Effect": "Deny", "Action": "*", "Resource": "*"}])


@given(questions, policies, policies)
def test_more_allows_never_take_away(question: Question, listed: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    """Documented: allows add up; only a deny takes away."""
    if allowed(question, listed):
        assert allowed(question, listed, [{**statement, "Effect": "Allow"} for statement in more])


@given(questions, policies)
def test_neither_order_nor_splitting_matters(question: Question, listed: list[dict[str, Any]]) -> None:
    """Documented: all policies are evaluated together."""
    assert (
        allowed(question, listed) == allowed(question, listed[::-1]) == allowed(question, *([statement] for statement in listed))
    )


json_values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.text(max_size=6)
    | some.sampled_from(["Allow", "*", "${", "${}", "s3:*"]),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(
                ["Version", "Statement", "Effect", "Action", "Resource", "Principal", "AWS", "Condition", "StringLike", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_values, some.sampled_from(["identity", "resource", "trust", "session"]))
def test_the_parser_answers_anything_with_a_typed_refusal(value: Any, kind: Kind) -> None:
    """A traceback that a user sees is a bug: whatever is written, the answer is a policy or an AwsError."""
    for document in (value, {"Version": "2012-10-17", "Statement": value}):
        with suppress(AwsError):
            parse_policy(document, kind)
