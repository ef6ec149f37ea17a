"""One simulation: the same decision as the gateway's, over policies that somebody hands in, and what led to it.

Flow: `Scenario` + action + resource -> `decide` (evaluate.py) -> the verdict in the simulator's words, the statements that made it, the
condition keys that were not given, and what the organization and the boundary say by themselves.
Refuses to know: where the policies come from (simulator.py), and the wire.

AWS: IAM API reference, EvaluationResult, ResourceSpecificResult; IAM user guide, "IAM policy testing with the IAM policy simulator".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from localorg.identity.evaluate import (
    BOUNDARY,
    SERVICE_CONTROL,
    Denial,
    Policies,
    Question,
    any_allow,
    applies,
    decide,
    explicit_deny,
    resource_reach,
)
from localorg.identity.policy import Policy, Statement, parsed
from localorg.identity.positions import statement_positions
from localorg.identity.principals import Reach
from localorg.identity.sources import INPUT, Source
from localorg.kernel.arn import parse_arn
from localorg.protocol.calls import Output, Principal

_ANYTHING = (parsed('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}', "identity"),)
ALLOWED, EXPLICIT, IMPLICIT = "allowed", "explicitDeny", "implicitDeny"
SEVERITY = (ALLOWED, IMPLICIT, EXPLICIT)


@dataclass(frozen=True)
class Scenario:
    """Who asks, under which policies, with which condition keys (lower case). `owner` is the account of resources that do not say."""

    caller: Principal
    sources: Sequence[Source]
    boundary: Policy | None = None
    resource: Source | None = None
    service_control: Sequence[Sequence[Policy]] = ()
    is_in_organization: bool = False
    context: dict[str, tuple[str, ...]] = field(default_factory=dict)
    owner: str = ""

    def question(self, action: str, resource: str) -> Question:
        """Return the question that the evaluator answers."""
        arn = parse_arn(resource)
        owner = (arn.account if arn else "") or self.owner or self.caller.account
        return Question(self.caller, action, resource, lambda key: self.context.get(key.lower()), owner == self.caller.account)

    def policies(self) -> Policies:
        """Return everything that has a say."""
        resource = self.resource.policy if self.resource else None
        identity = tuple(source.policy for source in self.sources)
        return Policies(identity, self.boundary, (), resource, service_control=self.service_control)

    @property
    def all_sources(self) -> list[Source]:
        """The policies whose statements are told."""
        return [*self.sources, *([self.resource] if self.resource else [])]


@dataclass(frozen=True)
class Verdict:
    """What came out for one action on one resource."""

    resource: str
    decision: str
    matched: list[Output]
    missing: list[str]
    details: dict[str, str] | None
    by_organization: bool
    by_boundary: bool


def simulate(scenario: Scenario, action: str, resource: str) -> Verdict:
    """Judge one action on one resource. Raises NotSupported."""
    question, policies = scenario.question(action, resource), scenario.policies()
    denial = decide(question, policies)
    decision = _decision(denial)
    controlled = Policies(identity=_ANYTHING, service_control=policies.service_control)
    bounded = Policies(identity=_ANYTHING, boundary=policies.boundary)
    return Verdict(
        resource=resource,
        decision=decision,
        matched=_matched(scenario, question, decision, policies),
        missing=_missing(scenario, action),
        details=_details(question, policies, denial),
        by_organization=decide(_at_home(question), controlled) is None,
        by_boundary=decide(_at_home(question), bounded) is None,
    )


def worst(decisions: Iterable[str]) -> str:
    """Return the most restrictive of several decisions."""
    return max(decisions, key=SEVERITY.index)


def _decision(denial: Denial | None) -> str:
    if denial is None:
        return ALLOWED
    return EXPLICIT if denial.explicit else IMPLICIT


def _at_home(question: Question) -> Question:
    return Question(question.principal, question.action, question.resource, question.lookup, same_account=True)


def _matched(scenario: Scenario, question: Question, decision: str, policies: Policies) -> list[Output]:
    """AWS: only the statements that made the decision: the denying ones of an explicit deny, else the allowing ones."""
    denial, _ = explicit_deny(question, policies)
    if decision == IMPLICIT or (denial and denial.by in {SERVICE_CONTROL, BOUNDARY}):
        return []
    found = []
    for source in scenario.all_sources:
        for number, statement in enumerate(source.policy.statements):
            if statement.allow is (decision == ALLOWED) and _speaks(statement, question):
                found.append(_told(source, number))
    return found


def _speaks(statement: Statement, question: Question) -> bool:
    is_meant = (
        statement.principals is None or statement.principals.reach(question.principal, question.unique_id) is not Reach.NONE
    )
    return is_meant and statement.actions.hold(question.action) and applies(statement, question)


def _told(source: Source, number: int) -> Output:
    start, end = statement_positions(source.text)[number]
    kind = {} if source.kind == INPUT else {"SourcePolicyType": source.kind}
    return {"SourcePolicyId": source.id, **kind, "StartPosition": start, "EndPosition": end}


def _missing(scenario: Scenario, action: str) -> list[str]:
    # ASSUMED: the keys that count are those of the statements that speak of the action.
    keys = (
        key
        for source in scenario.all_sources
        for statement in source.policy.statements
        if statement.actions.hold(action)
        for key in statement.named_keys()
    )
    return list(dict.fromkeys(key for key in keys if key.lower() not in scenario.context))


def _details(question: Question, policies: Policies, denial: Denial | None) -> dict[str, str] | None:
    """AWS: EvalDecisionDetails: each kind of policy by itself, only across accounts; empty inside one, absent for "*"."""
    if denial and denial.by == SERVICE_CONTROL:
        return None
    if question.same_account:
        return None if question.resource == "*" else {}
    own = Policies(identity=policies.identity, boundary=policies.boundary)
    # ASSUMED: the names of the kinds.
    details = {"IAM Policy": _decision(decide(_at_home(question), Policies(identity=own.identity)))}
    if policies.boundary:
        details["Permissions Boundary Policy"] = _of_one(question, policies.boundary)
    if policies.resource:
        denied, _ = explicit_deny(question, Policies(resource=policies.resource))
        reach, _ = resource_reach(question, policies.resource)
        details["Resource Policy"] = EXPLICIT if denied else ALLOWED if reach else IMPLICIT
    return details


def _of_one(question: Question, policy: Policy) -> str:
    denied, _ = explicit_deny(question, Policies(identity=(policy,)))
    return EXPLICIT if denied else ALLOWED if any_allow(question, (policy,))[0] else IMPLICIT
