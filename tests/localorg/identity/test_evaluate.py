"""Rows for the decision: policies, a question, and whether AWS would say yes.

Every row's standing is "Documented": IAM user guide, "Policy evaluation logic", "Cross-account policy evaluation logic", "IAM JSON
policy elements reference". The rows marked (moto) are those that foundations measured moto to answer differently.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from identity.world import allow, deny, lookup_in

from localorg.identity.evaluate import Policies, Question, decide
from localorg.identity.policy import Policy, parse_policy
from localorg.protocol.calls import Principal

A, B = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{A}:role/team/R"
SESSION = f"arn:aws:sts::{A}:assumed-role/R/s"
USER = f"arn:aws:iam::{A}:user/U"
TARGET = f"arn:aws:iam::{A}:role/Target"
THEIRS = f"arn:aws:iam::{B}:role/Target"
SSM = "ssm.amazonaws.com"
IDENTITY = "because no identity-based policy allows the {} action"
RESOURCE = "because no resource-based policy allows the {} action"
TRUST = "because no role trust policy allows the {} action"

USER_CALLS = Principal(kind="user", account=A, arn=USER)
ROLE_CALLS = Principal(kind="role", account=A, arn=SESSION, role_arn=ROLE)
SERVICE_CALLS = Principal(kind="service", account=A, arn=SSM, service=SSM, source_account=A)
ROOT_CALLS = Principal(kind="root", account=A, arn=f"arn:aws:iam::{A}:root")
NOBODY_CALLS = Principal(kind="anonymous", account="", arn="anonymous")


def trust(principal: Any, effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole"}
    return {**statement, **({"Condition": condition} if condition else {})}


@dataclass(frozen=True)
class Row:
    claim: str
    denied: str | None
    """What AWS says after the resource; None: allowed. `{}` stands for the action."""
    identity: tuple[dict[str, Any], ...] = ()
    who: Principal = USER_CALLS
    action: str = "ssm:GetDocument"
    resource: str = f"arn:aws:ssm:eu-west-1:{A}:document/Doc"
    context: dict[str, str] = field(default_factory=dict)
    resource_policy: tuple[dict[str, Any], ...] | None = None
    trust_policy: tuple[dict[str, Any], ...] | None = None
    session: tuple[dict[str, Any], ...] | None = None
    same_account: bool = True
    version: str = "2012-10-17"


def assume(claim: str, denied: str | None, *statements: dict[str, Any], **more: Any) -> Row:
    own = more.pop("same_account", True)
    resource = TARGET if own else THEIRS
    return Row(claim, denied, action="sts:AssumeRole", resource=resource, trust_policy=statements, same_account=own, **more)


DOCUMENTS = f"arn:aws:ssm:*:{A}:document/*"
EXPLICIT = "with an explicit deny in an identity-based policy"
ROWS = [
    Row("nothing allows", IDENTITY),
    Row("an allow on everything", None, (allow("*"),)),
    Row("an allow on the resource (moto)", None, (allow("ssm:GetDocument", DOCUMENTS),)),
    Row("an allow on another resource", IDENTITY, (allow("ssm:GetDocument", f"arn:aws:ssm:*:{B}:document/*"),)),
    Row("a resource pattern is case-sensitive", IDENTITY, (allow("ssm:GetDocument", DOCUMENTS.replace("document", "Document")),)),
    Row("actions are compared without case (moto)", None, (allow("SSM:getdocument"),)),
    Row("? is one character (moto)", None, (allow("ssm:?etDocument", DOCUMENTS.replace("*:1", "eu-west-?:1")),)),
    Row("? is not no character", IDENTITY, (allow("ssm:GetDocument?"),)),
    Row("a last * of a part may pass the colon", None, (allow("ssm:GetDocument", "arn:aws:ssm:*"),)),
    Row("a * within a part stays in it", IDENTITY, (allow("ssm:GetDocument", "arn:aws:ssm:e*1:document/*"),)),
    Row("NotAction allows all others", None, ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},)),
    Row("NotAction leaves its own out", IDENTITY, ({"Effect": "Allow", "NotAction": "ssm:Get*", "Resource": "*"},)),
    Row("NotResource allows all others", None, ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::x"},)),
    Row("NotResource leaves its own out", IDENTITY, ({"Effect": "Allow", "Action": "*", "NotResource": DOCUMENTS},)),
    Row("deny wins over allow", EXPLICIT, (allow("*"), deny("ssm:GetDocument"))),
    Row("deny wins whatever the order", EXPLICIT, (deny("ssm:Get*"), allow("*"))),
    Row("a deny elsewhere does nothing", None, (allow("*"), deny("ssm:SendCommand"))),
    Row(
        "a deny whose condition fails does nothing (moto)",
        None,
        (allow("*"), deny("*", StringEquals={"aws:RequestedRegion": "us-east-1"})),
        context={"aws:requestedregion": "eu-west-1"},
    ),
    Row(
        "a deny whose condition holds denies",
        EXPLICIT,
        (allow("*"), deny("*", StringNotEquals={"aws:RequestedRegion": ["us-east-1", "us-west-2"]})),
        context={"aws:requestedregion": "eu-west-1"},
    ),
    Row(
        "a condition on an absent key fails (moto)",
        IDENTITY,
        (allow("*", StringEquals={"aws:PrincipalOrgID": "o-exampleorg"}),),
    ),
    Row("IfExists forgives an absent key", None, (allow("*", StringEqualsIfExists={"aws:PrincipalOrgID": "o-x"}),)),
    Row("a negated operator holds for an absent key", None, (allow("*", StringNotEquals={"aws:PrincipalOrgID": "o-x"}),)),
    Row("Null true holds for an absent key", None, (allow("*", Null={"aws:PrincipalOrgID": "true"}),)),
    Row("Null false does not", IDENTITY, (allow("*", Null={"aws:PrincipalOrgID": "false"}),)),
    Row("names of keys have no case", None, (allow("*", StringLike={"AWS:principalORGid": "o-*"}),), context={"aws:principalorgid": "o-x"}),
    Row("all conditions must hold", IDENTITY, (allow("*", Null={"aws:SourceArn": "true"}, StringLike={"aws:SourceAccount": "1*"}),)),
    Row(
        "ArnLike compares part by part",
        IDENTITY,
        (allow("*", ArnLike={"aws:PrincipalArn": "arn:*:role/team/R"}),),
        context={"aws:principalarn": ROLE},
    ),
    Row(
        "ArnEquals takes wildcards in a part",
        None,
        (allow("*", ArnEquals={"aws:PrincipalArn": "arn:aws:iam::*:role/team/?"}),),
        context={"aws:principalarn": ROLE},
    ),
    Row(
        "a policy variable is filled in",
        None,
        (allow("*", "arn:aws:ssm:*:${aws:PrincipalAccount}:document/${aws:username, 'Doc'}"),),
        context={"aws:principalaccount": A},
    ),
    Row("a policy variable without value matches nothing", IDENTITY, (allow("*", "arn:aws:ssm:*:*:document/${aws:username}"),)),
    Row("policies before 2012-10-17 have no variables", IDENTITY, (allow("*", "arn:aws:ssm:*:*:document/${aws:username}"),),
        context={"aws:username": "Doc"}, version="2008-10-17"),
    Row("a variable's value is no wildcard", IDENTITY, (allow("*", "arn:aws:ssm:*:*:document/${aws:username}"),),
        context={"aws:username": "*"}),
    # Role trust
    assume("a user that trust names, same account, needs nothing else", None, trust({"AWS": USER})),
    assume("a role that trust names", None, trust({"AWS": ROLE}), who=ROLE_CALLS),
    assume("a session that trust names", None, trust({"AWS": SESSION}), who=ROLE_CALLS),
    assume("trust in the account's root needs the caller's own allow (moto)", IDENTITY, trust({"AWS": f"arn:aws:iam::{A}:root"})),
    assume("... and is enough with it (moto)", None, trust({"AWS": f"arn:aws:iam::{A}:root"}), identity=(allow("sts:*"),)),
    assume("trust in a bare account id is the same (moto)", None, trust({"AWS": A}), identity=(allow("sts:*"),)),
    assume("an allow of one's own is not trust", TRUST, trust({"AWS": B}), identity=(allow("*"),)),
    assume("a deny in trust is no allow (moto)", "with an explicit deny in the role trust policy", trust({"AWS": USER}, "Deny"),
           trust({"AWS": A}), identity=(allow("*"),)),
    assume("trust in a service only keeps users out (moto)", TRUST, trust({"Service": SSM}), identity=(allow("*"),)),
    assume("a service that trust names", None, trust({"Service": SSM}), who=SERVICE_CALLS),
    assume("another service", TRUST, trust({"Service": "ec2.amazonaws.com"}), who=SERVICE_CALLS),
    assume("a service for another account than trust wants", TRUST, trust({"Service": SSM}, StringEquals={"aws:SourceAccount": B}),
           who=SERVICE_CALLS, context={"aws:sourceaccount": A}),
    assume("a missing ExternalId (moto)", TRUST, trust({"AWS": USER}, StringEquals={"sts:ExternalId": "x"})),
    assume("the right ExternalId", None, trust({"AWS": USER}, StringEquals={"sts:ExternalId": "x"}), context={"sts:externalid": "x"}),
    assume("across accounts trust alone is not enough (moto)", IDENTITY, trust({"AWS": USER}), same_account=False),
    assume("across accounts an own allow is not enough (moto)", TRUST, trust({"AWS": B}), identity=(allow("*"),), same_account=False),
    assume("across accounts both", None, trust({"AWS": A}), identity=(allow("sts:AssumeRole", THEIRS),), same_account=False),
    assume("across accounts, trust narrowed to one role by its ARN", None,
           trust({"AWS": A}, ArnEquals={"aws:PrincipalArn": ROLE}), who=ROLE_CALLS, identity=(allow("sts:AssumeRole"),),
           same_account=False, context={"aws:principalarn": ROLE}),
    assume("... and another role of that account", TRUST,
           trust({"AWS": A}, ArnEquals={"aws:PrincipalArn": ROLE + "2"}), who=ROLE_CALLS, identity=(allow("sts:AssumeRole"),),
           same_account=False, context={"aws:principalarn": ROLE}),
    # Resource policies
    Row("a resource policy that names the user suffices in one account", None,
        resource_policy=({**allow("ssm:*"), "Principal": {"AWS": USER}},)),
    Row("one that names the account only delegates", IDENTITY, resource_policy=({**allow("ssm:*"), "Principal": {"AWS": A}},)),
    Row("a resource policy that is silent does not hinder the own account", None, (allow("*"),), resource_policy=()),
    Row("across accounts silence denies", RESOURCE, (allow("*"),), same_account=False),
    Row("across accounts both allow", None, (allow("*"),), resource_policy=({**allow("*"), "Principal": "*"},), same_account=False),
    Row("a resource policy's deny wins", "with an explicit deny in a resource-based policy", (allow("*"),),
        resource_policy=({**deny("*"), "Principal": "*"},)),
    Row("its deny on somebody else does nothing", None, (allow("*"),), resource_policy=({**deny("*"), "Principal": {"AWS": B}},)),
    Row("anybody, if the resource says so", None, who=NOBODY_CALLS, resource_policy=({**allow("*"), "Principal": "*"},)),
    Row("nobody otherwise", RESOURCE, who=NOBODY_CALLS, resource_policy=({**allow("*"), "Principal": {"AWS": A}},)),
    Row("the root user of the account may", None, who=ROOT_CALLS),
    Row("the root user bows to a resource's deny", "with an explicit deny in a resource-based policy", who=ROOT_CALLS,
        resource_policy=({**deny("*"), "Principal": "*"},)),
    Row("a service has no policies of its own", RESOURCE, who=SERVICE_CALLS),
    Row("a deny for all but services spares services", None, who=SERVICE_CALLS, context={"aws:principalisawsservice": "true"},
        resource_policy=({**deny("*", Bool={"aws:PrincipalIsAWSService": "false"}), "Principal": "*"},
                         {**allow("*"), "Principal": {"Service": SSM}})),
    # Session policies
    Row("a session policy narrows (moto)", "because no session policy allows the {} action", (allow("*"),), ROLE_CALLS,
        session=(allow("s3:*"),)),
    Row("a session policy adds nothing", IDENTITY, (allow("s3:*"),), ROLE_CALLS, session=(allow("*"),)),
    Row("a session policy's deny", "with an explicit deny in a session policy", (allow("*"),), ROLE_CALLS,
        session=(allow("*"), deny("ssm:*"))),
    Row("a resource that names the role is narrowed by the session policy", "because no session policy allows the {} action", (),
        ROLE_CALLS, resource_policy=({**allow("*"), "Principal": {"AWS": ROLE}},), session=(allow("s3:*"),)),
    Row("a resource that names the session is not", None, (), ROLE_CALLS,
        resource_policy=({**allow("*"), "Principal": {"AWS": SESSION}},), session=(allow("s3:*"),)),
]  # fmt: skip


def policies_of(row: Row) -> Policies:
    def one(kind: Any, statements: tuple[dict[str, Any], ...]) -> Policy:
        return parse_policy({"Version": row.version, "Statement": list(statements)}, kind) if statements else Policy(())

    resource = None
    if row.trust_policy is not None:
        resource = one("trust", row.trust_policy)
    elif row.resource_policy is not None:
        resource = one("resource", row.resource_policy)
    return Policies(
        identity=(one("identity", row.identity),),
        session=(one("session", row.session),) if row.session else (),
        resource=resource,
        trust=row.trust_policy is not None,
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.claim)
def test_the_decision(row: Row) -> None:
    """Documented: IAM user guide, "Policy evaluation logic". The verdict, and the reason in AWS's words."""
    question = Question(row.who, row.action, row.resource, lookup_in(row.context), row.same_account)
    denial = decide(question, policies_of(row))
    assert (denial.reason if denial else None) == (row.denied.format(row.action) if row.denied else None)


def test_every_claim_is_made_once() -> None:
    """Two rows with one claim would hide each other in a report."""
    claims = [row.claim for row in ROWS]
    assert len(set(claims)) == len(claims)
