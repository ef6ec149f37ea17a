"""AWS Organizations: accounts are made, moved, closed, invited, and leave."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from conformance.claims import documented, eventually, refused
from conformance.target import OUTSIDER, Account, Target

ADMINISTRATORS = "OrganizationAccountAccessRole"


@pytest.fixture(scope="module")
def organizations(hub: Account) -> Any:
    return hub.client("organizations")


@pytest.fixture(scope="module")
def root(organizations: Any) -> str:
    return str(organizations.list_roots()["Roots"][0]["Id"])


@pytest.fixture(scope="module")
def requests(target: Target, organizations: Any) -> dict[str, dict[str, Any]]:
    """Ask for three accounts at once: a usual one, one with everything said, one whose email is taken; return how each ended."""
    target.account(target.hub.id)  # skips where accounts are not to be made
    taken = organizations.describe_organization()["Organization"]["MasterAccountEmail"]
    asked = {
        "usual": {"AccountName": "conf usual", "Email": "conf-usual@example.com"},
        "told": {
            "AccountName": "conf told",
            "Email": "conf-told@example.com",
            "RoleName": "Landing",
            "IamUserAccessToBilling": "DENY",
            "Tags": [{"Key": "team", "Value": "blue"}],
        },
        "taken": {"AccountName": "conf taken", "Email": taken},
    }
    begun = {name: organizations.create_account(**params)["CreateAccountStatus"] for name, params in asked.items()}
    assert {one["State"] for one in begun.values()} == {"IN_PROGRESS"}

    def ended(request: str) -> dict[str, Any]:
        answer = eventually(
            lambda: organizations.describe_create_account_status(CreateAccountRequestId=request)["CreateAccountStatus"],
            lambda status: status["State"] != "IN_PROGRESS",
        )
        return dict(answer)

    return {name: ended(one["Id"]) for name, one in begun.items()}


def assumed(hub: Account, account: str, role: str) -> boto3.Session:
    """Return a session of a role of another account, taken by the hub's administrator."""
    arn = f"arn:{hub.partition}:iam::{account}:role/{role}"
    keys = hub.client("sts").assume_role(RoleArn=arn, RoleSessionName="conformance")["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=hub.region)


@documented("API CreateAccount: asynchronous; the account is a member, under the root")
def test_a_created_account_begins_under_the_root(organizations: Any, root: str, requests: dict[str, Any]) -> None:
    """The request succeeds with the account's id; the account is ACTIVE, CREATED, and its parent is the root."""
    done = requests["usual"]
    assert (done["State"], done["AccountName"]) == ("SUCCEEDED", "conf usual")
    assert done["CompletedTimestamp"] >= done["RequestedTimestamp"]
    account = organizations.describe_account(AccountId=done["AccountId"])["Account"]
    assert (account["State"], account["Status"], account["JoinedMethod"]) == ("ACTIVE", "ACTIVE", "CREATED")
    assert organizations.list_parents(ChildId=done["AccountId"])["Parents"] == [{"Id": root, "Type": "ROOT"}]


@documented("API CreateAccount: a role named OrganizationAccountAccessRole by default")
def test_the_management_account_administers_a_created_account(hub: Account, requests: dict[str, Any]) -> None:
    """The role trusts the management account and has AdministratorAccess in the new account."""
    account = requests["usual"]["AccountId"]
    iam = assumed(hub, account, ADMINISTRATORS).client("iam", endpoint_url=hub.endpoint)
    trust = iam.get_role(RoleName=ADMINISTRATORS)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"AWS": f"arn:{hub.partition}:iam::{hub.id}:root"}
    attached = iam.list_attached_role_policies(RoleName=ADMINISTRATORS)["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AdministratorAccess"]


@documented("API CreateAccount, RoleName and Tags")
def test_the_role_and_the_tags_of_a_created_account_are_as_asked(
    hub: Account, organizations: Any, requests: dict[str, Any]
) -> None:
    """The role has the name that was given and there is no other; the tags are on the account."""
    account = requests["told"]["AccountId"]
    iam = assumed(hub, account, "Landing").client("iam", endpoint_url=hub.endpoint)
    with refused("NoSuchEntity"):
        iam.get_role(RoleName=ADMINISTRATORS)
    assert organizations.list_tags_for_resource(ResourceId=account)["Tags"] == [{"Key": "team", "Value": "blue"}]


@documented("API CreateAccountStatus, FailureReason: EMAIL_ALREADY_EXISTS")
def test_an_email_address_has_one_account(organizations: Any, requests: dict[str, Any]) -> None:
    """A request with an address that is taken fails later, with the reason, and no account."""
    assert (requests["taken"]["State"], requests["taken"]["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    assert "AccountId" not in requests["taken"]
    failed = organizations.list_create_account_status(States=["FAILED"])["CreateAccountStatuses"]
    assert requests["taken"]["Id"] in [one["Id"] for one in failed]


@documented("API ConstraintViolationException: WAIT_PERIOD_ACTIVE, at least four days")
def test_a_created_account_cannot_leave_at_once(organizations: Any, requests: dict[str, Any]) -> None:
    """Neither side ends the membership of an account in its first four days."""
    with pytest.raises(organizations.exceptions.ConstraintViolationException) as caught:
        organizations.remove_account_from_organization(AccountId=requests["usual"]["AccountId"])
    assert caught.value.response["Reason"] == "WAIT_PERIOD_ACTIVE"


@documented("API MoveAccount and its errors")
def test_an_account_is_moved(organizations: Any, root: str, requests: dict[str, Any], unique: Callable[[str], str]) -> None:
    """It is moved from where it is to another parent, and only so."""
    unit = organizations.create_organizational_unit(ParentId=root, Name=unique("unit"))["OrganizationalUnit"]["Id"]
    account = requests["told"]["AccountId"]
    there = {"AccountId": account, "SourceParentId": root, "DestinationParentId": unit}
    organizations.move_account(**there)
    assert organizations.list_accounts_for_parent(ParentId=unit)["Accounts"][0]["Id"] == account
    with refused("SourceParentNotFoundException"):
        organizations.move_account(**there)
    with refused("DuplicateAccountException"):
        organizations.move_account(AccountId=account, SourceParentId=unit, DestinationParentId=unit)
    with refused("DestinationParentNotFoundException"):
        nowhere = f"{unit.rsplit('-', 1)[0]}-00000000"
        organizations.move_account(AccountId=account, SourceParentId=unit, DestinationParentId=nowhere)
    organizations.move_account(AccountId=account, SourceParentId=unit, DestinationParentId=root)
    organizations.delete_organizational_unit(OrganizationalUnitId=unit)


@documented("API CloseAccount: PENDING_CLOSURE; user guide: a closed account cannot be used")
def test_a_closed_account_is_pending_and_shut(hub: Account, organizations: Any, requests: dict[str, Any]) -> None:
    """Closing shows at once, is not asked twice, and nobody gets into the account any more."""
    account = requests["told"]["AccountId"]
    iam = assumed(hub, account, "Landing").client("iam", endpoint_url=hub.endpoint)
    organizations.close_account(AccountId=account)
    shown = organizations.describe_account(AccountId=account)["Account"]
    assert (shown["State"], shown["Status"]) == ("PENDING_CLOSURE", "PENDING_CLOSURE")
    with refused("ConflictException"):
        organizations.close_account(AccountId=account)
    with pytest.raises(iam.exceptions.ClientError):
        iam.list_roles()


@documented("API CloseAccount, RemoveAccountFromOrganization, LeaveOrganization")
def test_the_management_account_neither_closes_nor_leaves(hub: Account, organizations: Any) -> None:
    """The management account stays as long as the organization."""
    with pytest.raises(organizations.exceptions.ConstraintViolationException) as caught:
        organizations.close_account(AccountId=hub.id)
    assert caught.value.response["Reason"] == "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"
    with refused("MasterCannotLeaveOrganizationException"):
        organizations.remove_account_from_organization(AccountId=hub.id)
    with refused("MasterCannotLeaveOrganizationException"):
        organizations.leave_organization()


@pytest.fixture
def outsider(target: Target) -> Account:
    """An account that is in no organization."""
    return target.account(OUTSIDER)


@pytest.fixture
def invitation(organizations: Any, outsider: Account) -> Iterator[dict[str, Any]]:
    """Invite the outsider; the invitation is canceled when it is still open afterwards."""
    handshake = organizations.invite_account_to_organization(
        Target={"Id": outsider.id, "Type": "ACCOUNT"}, Notes="Come in", Tags=[{"Key": "team", "Value": "new"}]
    )["Handshake"]
    yield handshake
    if organizations.describe_handshake(HandshakeId=handshake["Id"])["Handshake"]["State"] == "OPEN":
        organizations.cancel_handshake(HandshakeId=handshake["Id"])


@documented("Organizations user guide, Using service-linked roles: AWSServiceRoleForOrganizations is in every account")
def test_every_account_has_the_role_of_organizations(hub: Account, member: Account, requests: dict[str, dict[str, Any]]) -> None:
    """The management account, a member and a new account have it, with the policy that AWS made for it."""
    created = assumed(hub, requests["usual"]["AccountId"], ADMINISTRATORS).client("iam", endpoint_url=hub.endpoint)
    name = "AWSServiceRoleForOrganizations"
    for iam in (hub.client("iam"), member.client("iam"), created):
        assert iam.get_role(RoleName=name)["Role"]["Path"] == "/aws-service-role/organizations.amazonaws.com/"
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        assert [one["PolicyName"] for one in attached] == ["AWSOrganizationsServiceTrustPolicy"]


@documented("API reference: AWSOrganizationsNotInUseException")
def test_an_account_outside_is_told_so(outsider: Account) -> None:
    """Whoever is in no organization learns nothing of one."""
    with refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization."):
        outsider.client("organizations").describe_organization()


@documented("API InviteAccountToOrganization: Handshake; DuplicateHandshakeException")
def test_an_invitation_is_open_for_both_sides(hub: Account, organizations: Any, outsider: Account, invitation: Any) -> None:
    """Both parties see it, it lasts 15 days, and the same account is not invited twice."""
    assert (invitation["State"], invitation["Action"]) == ("OPEN", "INVITE")
    assert (invitation["ExpirationTimestamp"] - invitation["RequestedTimestamp"]).days == 15
    assert invitation["Arn"].startswith(f"arn:{hub.partition}:organizations::{hub.id}:handshake/")
    received = outsider.client("organizations").list_handshakes_for_account(Filter={"ActionType": "INVITE"})["Handshakes"]
    assert invitation in received
    with refused("DuplicateHandshakeException"):
        organizations.invite_account_to_organization(Target={"Id": outsider.id, "Type": "ACCOUNT"})


@documented("API AcceptHandshake: only the invited account; user guide: no access role comes with an invitation")
def test_an_invited_account_comes_in_and_may_leave(
    hub: Account, organizations: Any, root: str, outsider: Account, invitation: Any
) -> None:
    """Accepting makes it an INVITED member under the root with the tags of the invitation, without the access role; it may leave."""
    chosen = {"HandshakeId": invitation["Id"]}
    with refused("AccessDeniedException"):
        organizations.accept_handshake(**chosen)
    theirs = outsider.client("organizations")
    assert theirs.accept_handshake(**chosen)["Handshake"]["State"] == "ACCEPTED"
    with refused("HandshakeAlreadyInStateException"):
        theirs.accept_handshake(**chosen)
    account = organizations.describe_account(AccountId=outsider.id)["Account"]
    assert account["JoinedMethod"] == "INVITED"
    assert organizations.list_parents(ChildId=outsider.id)["Parents"][0]["Id"] == root
    assert organizations.list_tags_for_resource(ResourceId=outsider.id)["Tags"] == [{"Key": "team", "Value": "new"}]
    with refused("AccessDenied"):
        assumed(hub, outsider.id, ADMINISTRATORS)
    theirs.leave_organization()
    with refused("AccountNotFoundException"):
        organizations.describe_account(AccountId=outsider.id)


@documented("API InviteAccountToOrganization: ALREADY_IN_AN_ORGANIZATION")
def test_a_member_is_not_invited(organizations: Any, member: Account) -> None:
    """Whoever is in already cannot be invited."""
    with pytest.raises(organizations.exceptions.HandshakeConstraintViolationException) as caught:
        organizations.invite_account_to_organization(Target={"Id": member.id, "Type": "ACCOUNT"})
    assert caught.value.response["Reason"] == "ALREADY_IN_AN_ORGANIZATION"


@documented("Service Authorization Reference, AWS Organizations: account ARNs; API CreateAccount with Tags")
def test_policies_speak_of_accounts_by_their_arns(
    hub: Account, organizations: Any, member: Account, unique: Callable[[str], str]
) -> None:
    """Who may describe one account may not describe another."""
    iam, name = hub.client("iam"), unique("reader")
    arn = organizations.describe_account(AccountId=member.id)["Account"]["Arn"]
    allow = {"Effect": "Allow", "Action": "organizations:DescribeAccount", "Resource": arn}
    iam.create_user(UserName=name)
    iam.put_user_policy(
        UserName=name, PolicyName="some", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allow})
    )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=hub.region)
    reader = session.client("organizations", endpoint_url=hub.endpoint)
    seen = eventually(
        lambda: reader.describe_account(AccountId=member.id), bool, 60, ("AccessDeniedException", "UnrecognizedClientException")
    )
    assert seen["Account"]["Id"] == member.id
    with refused("AccessDeniedException", "organizations:DescribeAccount"):
        reader.describe_account(AccountId=hub.id)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="some")
    iam.delete_user(UserName=name)
