"""Sessions: who may open one, what it carries, how long it lasts."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from conformance.claims import documented, eventually, observed, refused
from conformance.target import Account

Unique = Callable[[str], str]


@pytest.fixture
def opened(member: Account, unique: Unique) -> Iterator[str]:
    """A role that lets the account open, tag and name sessions of it, and may itself do the same."""
    iam, name = member.client("iam"), unique("conf-session")
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    root = {"AWS": f"arn:{member.partition}:iam::{member.id}:root"}
    statement = {"Effect": "Allow", "Principal": root, "Action": actions}
    own = {"Effect": "Allow", "Action": [*actions, "iam:ListRoles"], "Resource": "*"}
    version = {"Version": "2012-10-17"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({**version, "Statement": statement}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps({**version, "Statement": own}))
    eventually(lambda: assume(member, arn), bool, retry=("AccessDenied",))
    yield str(arn)
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)


def assume(account: Account, arn: str, **params: Any) -> dict[str, Any]:
    answer: dict[str, Any] = account.client("sts").assume_role(RoleArn=arn, RoleSessionName="conformance", **params)
    return answer


def with_keys(account: Account, service: str, keys: dict[str, Any]) -> Any:
    """Return a client that signs with temporary credentials."""
    made = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], account.region)
    return made.client(service, endpoint_url=account.endpoint)


@documented("API AssumeRole")
def test_a_session_has_the_names_of_its_role(member: Account, opened: str) -> None:
    """A session's ARN has the role and the session's name; its id is the role's and the name; its key is an ASIA key."""
    answer = assume(member, opened)
    name = opened.rsplit("/", 1)[-1]
    expected = f"arn:{member.partition}:sts::{member.id}:assumed-role/{name}/conformance"
    assert answer["AssumedRoleUser"]["Arn"] == expected
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    me = with_keys(member, "sts", answer["Credentials"]).get_caller_identity()
    assert (me["Arn"], me["UserId"]) == (expected, answer["AssumedRoleUser"]["AssumedRoleId"])


@observed("STS's answers")
@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"DurationSeconds": 7200}, "ValidationError", "exceeds the MaxSessionDuration set for this role"),
        ({"DurationSeconds": 60}, "ValidationError", "greater than or equal to 900"),
        ({"Policy": "{}"}, "MalformedPolicyDocument", ""),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "InvalidParameterValue", "Duplicate tag keys found"),
        ({"TransitiveTagKeys": ["a"]}, "InvalidParameterValue", "transitive tag key must be included in the requested tags"),
    ],
)
def test_what_a_session_cannot_have(member: Account, opened: str, params: dict[str, Any], code: str, words: str) -> None:
    """What a session cannot have is refused in STS's words."""
    with refused(code, words):
        assume(member, opened, **params)


@documented("API AssumeRole, role chaining")
def test_a_chained_session_lasts_an_hour(member: Account, opened: str) -> None:
    """A role that is assumed with another session's credentials is there for an hour at most."""
    chained = with_keys(member, "sts", assume(member, opened)["Credentials"])
    with refused("ValidationError", "1 hour session limit for roles assumed by role chaining"):
        chained.assume_role(RoleArn=opened, RoleSessionName="chained", DurationSeconds=3601)


@documented("IAM user guide, Chaining roles with session tags; Monitor and control actions taken with assumed roles")
def test_what_a_session_hands_on(member: Account, opened: str) -> None:
    """A transitive tag and the source identity go on to the next session, which cannot change them."""
    tags = {"Tags": [{"Key": "team", "Value": "blue"}], "TransitiveTagKeys": ["team"], "SourceIdentity": "conf-person"}
    first = assume(member, opened, **tags)
    assert first["SourceIdentity"] == "conf-person"
    assert first["PackedPolicySize"] >= 1
    chained = with_keys(member, "sts", first["Credentials"])
    assert chained.assume_role(RoleArn=opened, RoleSessionName="chained")["SourceIdentity"] == "conf-person"
    with refused("InvalidParameterValue", "conflicts with a transitive tag key from the calling session"):
        chained.assume_role(RoleArn=opened, RoleSessionName="chained", Tags=[{"Key": "Team", "Value": "red"}])
    with refused("AccessDenied"):
        chained.assume_role(RoleArn=opened, RoleSessionName="chained", SourceIdentity="another")


@documented("IAM user guide, Session policies")
def test_a_session_policy_narrows(member: Account, opened: str) -> None:
    """A session may do what both its role's and its own policy allow."""
    nothing = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}}
    assert with_keys(member, "iam", assume(member, opened)["Credentials"]).list_roles(MaxItems=1)["Roles"]
    narrow = with_keys(member, "iam", assume(member, opened, Policy=json.dumps(nothing))["Credentials"])
    with refused("AccessDenied", "because no session policy allows the iam:ListRoles action"):
        narrow.list_roles()


@observed("STS's answers")
@pytest.mark.parametrize(("operation", "params"), [("get_session_token", {}), ("get_federation_token", {"Name": "guest"})])
def test_a_session_opens_no_session_of_a_user(member: Account, opened: str, operation: str, params: dict[str, str]) -> None:
    """GetSessionToken and GetFederationToken need a user's own key."""
    session = with_keys(member, "sts", assume(member, opened)["Credentials"])
    with refused("AccessDenied", "with session credentials"):
        getattr(session, operation)(**params)


@observed("STS's answers: a role that is not there is refused like one that does not trust")
def test_a_role_that_is_not_there_is_denied(member: Account) -> None:
    """Nobody learns which roles of another account exist."""
    arn = f"arn:{member.partition}:iam::{member.id}:role/conf-none"
    with refused("AccessDenied", f"is not authorized to perform: sts:AssumeRole on resource: {arn}"):
        assume(member, arn)
