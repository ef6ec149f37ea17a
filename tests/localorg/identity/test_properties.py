"""What must hold for any policy: wildcards, deny, and a parser that never falls over."""

from contextlib import suppress
from dataclasses import replace
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


def parsed_of(listed: list[dict[str, Any]], kind: Kind = "identity") -> Any:
    return parse_policy({"Version": "2012-10-17", "Statement": listed}, kind)


def layered(
    identity: list[dict[str, Any]],
    boundary: list[dict[str, Any]] | None = None,
    session: list[dict[str, Any]] | None = None,
    levels: tuple[list[dict[str, Any]], ...] = (),
    resource: list[dict[str, Any]] | None = None,
) -> Policies:
    """Return policies of every kind; `resource` is for everyone."""
    named = [{**statement, "Principal": "*"} for statement in resource or ()]
    return Policies(
        identity=(parsed_of(identity),),
        boundary=parsed_of(boundary) if boundary else None,
        session=(parsed_of(session),) if session else (),
        resource=parsed_of(named, "resource") if named else None,
        service_control=tuple((parsed_of(level, "scp"),) for level in levels),
    )


def naive_verdict(question: Question, policies: Policies) -> bool:
    """The decision in the guide's order, said once more in the plainest way: sets of statements, and nothing else."""

    def speaking(*listed: Any) -> list[bool]:
        return [
            statement.allow
            for policy in listed
            for statement in policy.statements
            if statement.actions.hold(question.action) and statement.applies(question.resource, question.lookup)
        ]

    bounds = [policies.boundary] if policies.boundary else []
    resource = [policies.resource] if policies.resource else []
    levels = [speaking(*level) for level in policies.service_control]
    groups = [*levels, speaking(*policies.identity), speaking(*bounds), speaking(*policies.session), speaking(*resource)]
    if any(False in group for group in groups):
        return False
    if not all(True in level for level in levels):
        return False
    own, by_resource = speaking(*policies.identity), True in speaking(*resource)
    bounded = not bounds or True in speaking(*bounds)
    in_session = not policies.session or True in speaking(*policies.session)
    if question.same_account:
        # A user whom the resource's policy lets in is past its boundary, never past its session's policies.
        return in_session and (by_resource or (True in own and bounded))
    return by_resource and True in own and bounded and in_session


maybe = some.none() | policies
layers = some.builds(layered, policies, maybe, maybe, some.lists(policies, max_size=2).map(tuple), maybe)


@given(questions, layers, some.booleans())
def test_the_decision_is_what_the_guide_says_in_plain_words(question: Question, held: Policies, own: bool) -> None:
    """Documented: "Policy evaluation logic": deny wins, every level allows, then resource, identity, boundary and session."""
    asked = replace(question, same_account=own)
    assert (decide(asked, held) is None) is naive_verdict(asked, held)


@given(questions, layers, policies)
def test_a_guard_never_lets_anybody_in(question: Question, held: Policies, more: list[dict[str, Any]]) -> None:
    """Documented: adding a deny, a control policy's level, a boundary or a session's policy never allows what was denied."""
    if decide(question, held) is None:
        return
    deny = [{**statement, "Effect": "Deny"} for statement in more]
    guarded = [
        replace(held, identity=(*held.identity, parsed_of(deny))),
        replace(held, service_control=(*held.service_control, (parsed_of(more, "scp"),))),
        replace(held, boundary=held.boundary or parsed_of(more)),
        replace(held, session=held.session or (parsed_of(more),)),
    ]
    assert all(decide(question, each) is not None for each in guarded)


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
