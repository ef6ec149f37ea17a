"""The decision: do these policies let this principal do this? A pure function of its arguments.

Flow: `Question` + the caller's identity and session policies + the resource's policy -> None (allowed) or a `Denial` with AWS's reason.
Rules, in AWS's order: an explicit Deny anywhere wins; services and anonymous callers are let in by the resource's policy only; inside
one account the identity's or the resource's policy suffices; across accounts both must allow. A role's trust policy is a resource
policy that is always required: it suffices alone for a principal that it names inside the account.
Refuses to know: where policies are kept, and how condition keys get their values.

AWS: IAM user guide, "Policy evaluation logic", "Cross-account policy evaluation logic", "Troubleshoot access denied error messages".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localorg.identity.policy import Policy, Statement
from localorg.identity.principals import Reach
from localorg.identity.templates import Lookup
from localorg.kernel.errors import NotSupported
from localorg.protocol.calls import Principal


@dataclass(frozen=True, slots=True)
class Question:
    """May `principal` do `action` on `resource`? `same_account`: the caller's account owns the resource."""

    principal: Principal
    action: str
    resource: str
    lookup: Lookup
    same_account: bool


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything that has a say. `trust` says that `resource` is a role's trust policy."""

    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Sequence[Policy] = ()
    resource: Policy | None = None
    trust: bool = False


@dataclass(frozen=True, slots=True)
class Denial:
    """Why not, in AWS's words: what follows "... on resource: R"."""

    reason: str


IDENTITY, SESSION, RESOURCE = "an identity-based policy", "a session policy", "a resource-based policy"
BOUNDARY = "a permissions boundary"
MISSING = {
    IDENTITY: "no identity-based policy",
    BOUNDARY: "no permissions boundary",
    SESSION: "no session policy",
    RESOURCE: "no resource-based policy",
}


def decide(question: Question, policies: Policies) -> Denial | None:
    """Return None when the request is allowed. Raises NotSupported when an unjudgeable condition would decide."""
    denial = _explicit_deny(question, policies)
    if denial:
        return denial
    reach, unsure = _resource_reach(question, policies.resource)
    if question.principal.kind in {"service", "anonymous", "node"}:
        return None if reach else _not_allowed(question, policies, RESOURCE, unsure)
    if question.same_account:
        return _inside_account(question, policies, reach, unsure)
    return _across_accounts(question, policies, reach, unsure)


def _inside_account(question: Question, policies: Policies, reach: Reach, unsure: NotSupported | None) -> Denial | None:
    if reach is Reach.SESSION:
        return None
    if policies.trust and not reach:
        return _not_allowed(question, policies, RESOURCE, unsure)
    if reach is not Reach.NAMED:
        allowed, unsure_too = _identity_allows(question, policies)
        if not allowed:
            return _not_allowed(question, policies, IDENTITY, unsure_too or unsure)
    # AWS: user guide "Permissions boundaries": what a resource's policy gives a user passes the user's boundary, but not a role's.
    passes = reach is Reach.NAMED and question.principal.kind == "user"
    return (None if passes else _boundary_denial(question, policies)) or _session_denial(question, policies)


def _across_accounts(question: Question, policies: Policies, reach: Reach, unsure: NotSupported | None) -> Denial | None:
    allowed, unsure_too = _identity_allows(question, policies)
    if not allowed:
        return _not_allowed(question, policies, IDENTITY, unsure_too)
    if not reach:
        return _not_allowed(question, policies, RESOURCE, unsure)
    return _boundary_denial(question, policies) or _session_denial(question, policies)


def _boundary_denial(question: Question, policies: Policies) -> Denial | None:
    if policies.boundary is None:
        return None
    allowed, unsure = _any_allow(question, (policies.boundary,))
    return None if allowed else _not_allowed(question, policies, BOUNDARY, unsure)


def _identity_allows(question: Question, policies: Policies) -> tuple[bool, NotSupported | None]:
    if question.principal.kind == "root":
        return True, None
    return _any_allow(question, policies.identity)


def _session_denial(question: Question, policies: Policies) -> Denial | None:
    if not policies.session:
        return None
    allowed, unsure = _any_allow(question, policies.session)
    return None if allowed else _not_allowed(question, policies, SESSION, unsure)


def _not_allowed(question: Question, policies: Policies, whose: str, unsure: NotSupported | None) -> Denial:
    if unsure:
        raise unsure
    missing = "no role trust policy" if whose == RESOURCE and policies.trust else MISSING[whose]
    return Denial(f"because {missing} allows the {question.action} action")


def _explicit_deny(question: Question, policies: Policies) -> Denial | None:
    bounding = (policies.boundary,) if policies.boundary else ()
    for whose, denying in ((IDENTITY, policies.identity), (BOUNDARY, bounding), (SESSION, policies.session)):
        if any(_applies(statement, question) for statement in _statements(denying, allow=False)):
            return Denial(f"with an explicit deny in {whose}")
    resource = policies.resource
    if resource and any(_reached(statement, question) for statement in _statements((resource,), allow=False)):
        return Denial(f"with an explicit deny in {'the role trust policy' if policies.trust else RESOURCE}")
    return None


def _statements(policies: Iterable[Policy], *, allow: bool) -> Iterable[Statement]:
    return (statement for policy in policies for statement in policy.statements if statement.allow is allow)


def _applies(statement: Statement, question: Question) -> bool:
    return statement.applies(question.action, question.resource, question.lookup)


def _any_allow(question: Question, policies: Iterable[Policy]) -> tuple[bool, NotSupported | None]:
    unsure: NotSupported | None = None
    for statement in _statements(policies, allow=True):
        try:
            if _applies(statement, question):
                return True, None
        except NotSupported as unjudgeable:
            unsure = unjudgeable
    return False, unsure


def _reached(statement: Statement, question: Question) -> Reach:
    reach = statement.principals.reach(question.principal) if statement.principals else Reach.NONE
    return reach if reach and _applies(statement, question) else Reach.NONE


def _resource_reach(question: Question, policy: Policy | None) -> tuple[Reach, NotSupported | None]:
    reach, unsure = Reach.NONE, None
    for statement in _statements((policy,) if policy else (), allow=True):
        try:
            reach = max(reach, _reached(statement, question))
        except NotSupported as unjudgeable:
            unsure = unjudgeable
    return reach, unsure
