"""The decision: do these policies let this principal do this? A pure function of its arguments.

Flow: `Question` + every policy that has a say -> None (allowed) or a `Denial` with AWS's reason.
Rules, in AWS's order: an explicit Deny anywhere wins; then each level of the organization's control policies must allow; services and
anonymous callers are let in by the resource's policy only; inside one account the identity's or the resource's policy suffices; across
accounts both must allow; what the identity's policies allow, the permissions boundary and the session's policies must allow too. A
role's trust policy and a key's policy are resource policies that are always required: each suffices alone for a principal that it names
inside the account.
What cannot be judged is refused only when it would decide.
Refuses to know: where policies are kept, and how condition keys get their values.

AWS: IAM user guide, "Policy evaluation logic", "Cross-account policy evaluation logic", "Permissions boundaries for IAM entities",
"Troubleshoot access denied error messages".
"""

from collections.abc import Iterable, Iterator, Sequence
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
    unique_id: str = ""
    """Of the user or role behind the principal; a resource's policy may name them by it."""


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything that has a say. `trust` says that `resource` is a role's trust policy.

    `service_control` are the policies of the caller's organization, `resource_control` those of the resource's: one group for the root,
    each unit and the account; no group where they do not govern.
    """

    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Sequence[Policy] = ()
    resource: Policy | None = None
    trust: bool = False
    decides: bool = False
    """The resource's policy must allow inside its account too: KMS keys."""
    service_control: Sequence[Sequence[Policy]] = ()
    resource_control: Sequence[Sequence[Policy]] = ()


@dataclass(frozen=True, slots=True)
class Denial:
    """Why not, in AWS's words: `reason` is what follows "... on resource: R"; `by` is the kind of policy."""

    reason: str
    by: str = ""
    explicit: bool = False


IDENTITY, SESSION, RESOURCE, BOUNDARY = "identity-based policy", "session policy", "resource-based policy", "permissions boundary"
SERVICE_CONTROL, RESOURCE_CONTROL, TRUST = "service control policy", "resource control policy", "role trust policy"
_ARTICLES = {IDENTITY: "an", TRUST: "the"}


def decide(question: Question, policies: Policies) -> Denial | None:
    """Return None when the request is allowed. Raises NotSupported when what cannot be judged would decide."""
    denial, unsure = explicit_deny(question, policies)
    if denial:
        return denial
    missing = _missing_allow(question, policies)
    if missing is None and unsure:
        raise unsure
    return missing


def _missing_allow(question: Question, policies: Policies) -> Denial | None:
    for by, levels in ((RESOURCE_CONTROL, policies.resource_control), (SERVICE_CONTROL, policies.service_control)):
        for level in levels:
            denial = _unless_allowed(question, by, level)
            if denial:
                return denial
    reach, unsure = resource_reach(question, policies.resource)
    if question.principal.kind in {"service", "anonymous", "node"}:
        return None if reach else _not_allowed(question, _resource_kind(policies), unsure)
    if question.same_account:
        return _inside_account(question, policies, reach, unsure)
    return _across_accounts(question, policies, reach, unsure)


def _inside_account(question: Question, policies: Policies, reach: Reach, unsure: NotSupported | None) -> Denial | None:
    if reach is Reach.SESSION:
        return None
    if (policies.trust or policies.decides) and not reach:
        return _not_allowed(question, _resource_kind(policies), unsure)
    if reach is not Reach.NAMED:
        allowed, unsure_too = _identity_allows(question, policies)
        if not allowed:
            return _not_allowed(question, IDENTITY, unsure_too or unsure)
    # AWS: a resource's policy that names a user passes the user's boundary; one that names a role does not pass the role's.
    # ASSUMED: a resource's policy for everyone ("*") is judged as one that names the caller.
    is_past_boundary = reach is Reach.NAMED and question.principal.kind == "user"
    return (None if is_past_boundary else _boundary_denial(question, policies)) or _session_denial(question, policies)


def _across_accounts(question: Question, policies: Policies, reach: Reach, unsure: NotSupported | None) -> Denial | None:
    allowed, unsure_too = _identity_allows(question, policies)
    if not allowed:
        return _not_allowed(question, IDENTITY, unsure_too)
    if not reach:
        return _not_allowed(question, _resource_kind(policies), unsure)
    return _boundary_denial(question, policies) or _session_denial(question, policies)


def _resource_kind(policies: Policies) -> str:
    return TRUST if policies.trust else RESOURCE


def _identity_allows(question: Question, policies: Policies) -> tuple[bool, NotSupported | None]:
    if question.principal.kind == "root":
        return True, None
    return any_allow(question, policies.identity)


def _boundary_denial(question: Question, policies: Policies) -> Denial | None:
    return _unless_allowed(question, BOUNDARY, (policies.boundary,)) if policies.boundary else None


def _session_denial(question: Question, policies: Policies) -> Denial | None:
    return _unless_allowed(question, SESSION, policies.session) if policies.session else None


def _unless_allowed(question: Question, by: str, policies: Iterable[Policy]) -> Denial | None:
    allowed, unsure = any_allow(question, policies)
    return None if allowed else _not_allowed(question, by, unsure)


def _not_allowed(question: Question, by: str, unsure: NotSupported | None) -> Denial:
    if unsure:
        raise unsure
    return Denial(f"because no {by} allows the {question.action} action", by)


def explicit_deny(question: Question, policies: Policies) -> tuple[Denial | None, NotSupported | None]:
    """Return the deny that wins, or what might be one and cannot be judged."""
    unsure: NotSupported | None = None
    # ASSUMED: of several kinds of policy that deny, AWS's sentence names the first in the order in which it evaluates them.
    for by, statement in _denying(question.action, policies):
        try:
            if _denies(question, policies, by, statement):
                reason = f"with an explicit deny in {_ARTICLES.get(by, 'a')} {by}"
                return Denial(reason, by, explicit=True), None
        except NotSupported as unjudgeable:
            unsure = unsure or unjudgeable
    return None, unsure


def _denying(action: str, policies: Policies) -> Iterator[tuple[str, Statement]]:
    by_kind: list[tuple[str, Iterable[Policy]]] = [
        (RESOURCE_CONTROL, (policy for level in policies.resource_control for policy in level)),
        (SERVICE_CONTROL, (policy for level in policies.service_control for policy in level)),
        (_resource_kind(policies), (policies.resource,) if policies.resource else ()),
        (IDENTITY, policies.identity),
        (BOUNDARY, (policies.boundary,) if policies.boundary else ()),
        (SESSION, policies.session),
    ]
    for by, denying in by_kind:
        yield from ((by, statement) for policy in denying for statement in policy.about(action, allow=False))


def _denies(question: Question, policies: Policies, by: str, statement: Statement) -> bool:
    if by not in {RESOURCE, TRUST}:
        return applies(statement, question)
    # AWS: "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions boundary".
    if statement.principals and statement.principals.others and policies.boundary:
        return applies(statement, question)
    return bool(_reached(statement, question))


def _allowing(question: Question, policies: Iterable[Policy]) -> Iterator[Statement]:
    return (statement for policy in policies for statement in policy.about(question.action, allow=True))


def applies(statement: Statement, question: Question) -> bool:
    """Say whether a statement about the action speaks of the request, whoever makes it. Raises NotSupported."""
    return statement.applies(question.resource, question.lookup)


def any_allow(question: Question, policies: Iterable[Policy]) -> tuple[bool, NotSupported | None]:
    """Say whether any statement allows, and what might and cannot be judged."""
    unsure: NotSupported | None = None
    for statement in _allowing(question, policies):
        try:
            if applies(statement, question):
                return True, None
        except NotSupported as unjudgeable:
            unsure = unjudgeable
    return False, unsure


def _reached(statement: Statement, question: Question) -> Reach:
    reach = statement.principals.reach(question.principal, question.unique_id) if statement.principals else Reach.NONE
    return reach if reach and applies(statement, question) else Reach.NONE


def resource_reach(question: Question, policy: Policy | None) -> tuple[Reach, NotSupported | None]:
    """Return how directly the resource's policy allows, and what might and cannot be judged."""
    reach, unsure = Reach.NONE, None
    for statement in _allowing(question, (policy,) if policy else ()):
        try:
            reach = max(reach, _reached(statement, question))
        except NotSupported as unjudgeable:
            unsure = unjudgeable
    return reach, unsure
