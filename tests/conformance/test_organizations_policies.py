"""AWS Organizations: service control policies, delegated administrators, the resource policy."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conformance.claims import documented, eventually, refused
from conformance.target import Account

SCP = "SERVICE_CONTROL_POLICY"
FULL = "p-FullAWSAccess"
SERVICE = "access-analyzer.amazonaws.com"
DENIED = "You don't have permissions to access this resource."
HARMLESS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "arn:*:s3:::conf-nobodys"}],
    }
)


@pytest.fixture
def organizations(hub: Account) -> Any:
    return hub.client("organizations")


@pytest.fixture
def unit(organizations: Any, unique: Callable[[str], str]) -> Iterator[str]:
    """An empty unit under the root."""
    root = organizations.list_roots()["Roots"][0]["Id"]
    made = organizations.create_organizational_unit(ParentId=root, Name=unique("unit"))["OrganizationalUnit"]["Id"]
    yield made
    organizations.delete_organizational_unit(OrganizationalUnitId=made)


@pytest.fixture
def policy(organizations: Any, unique: Callable[[str], str]) -> Iterator[Callable[[], dict[str, Any]]]:
    """Make policies that are detached and gone afterwards."""
    made = []

    def create(**more: Any) -> dict[str, Any]:
        params = {"Name": unique("scp"), "Description": "said", "Type": SCP, "Content": HARMLESS, **more}
        made.append(organizations.create_policy(**params)["Policy"]["PolicySummary"])
        return dict(made[-1])

    yield create
    for one in made:
        for row in organizations.list_targets_for_policy(PolicyId=one["Id"])["Targets"]:
            organizations.detach_policy(PolicyId=one["Id"], TargetId=row["TargetId"])
        organizations.delete_policy(PolicyId=one["Id"])


def attached(organizations: Any, target: str) -> list[str]:
    return [row["Id"] for row in organizations.list_policies_for_target(TargetId=target, Filter=SCP)["Policies"]]


def reason(organizations: Any, kind: str, call: Callable[[], Any]) -> str:
    with pytest.raises(getattr(organizations.exceptions, f"{kind}Exception")) as caught:
        call()
    return str(caught.value.response["Reason"])


@documented("Organizations user guide, SCPs: FullAWSAccess is attached to every root, OU and account when it is created")
def test_full_access_is_attached_to_whatever_is_new(hub: Account, organizations: Any, unit: str) -> None:
    """A new unit has AWS's own policy, which belongs to no account."""
    listed = organizations.list_policies_for_target(TargetId=unit, Filter=SCP)["Policies"]
    assert [(one["Id"], one["Name"], one["AwsManaged"]) for one in listed] == [(FULL, "FullAWSAccess", True)]
    assert listed[0]["Arn"] == f"arn:{hub.partition}:organizations::aws:policy/service_control_policy/{FULL}"
    content = json.loads(organizations.describe_policy(PolicyId=FULL)["Policy"]["Content"])
    assert content["Statement"] == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


@documented("API CreatePolicy, DescribePolicy, UpdatePolicy: what is not given stays")
def test_a_policy_is_made_and_changed(
    hub: Account, organizations: Any, policy: Callable[..., Any], unique: Callable[[str], str]
) -> None:
    """A policy says what it was given; a change of its name leaves description and content."""
    made, name = policy(), unique("renamed")
    organization = organizations.describe_organization()["Organization"]["Id"]
    assert made["Arn"] == f"arn:{hub.partition}:organizations::{hub.id}:policy/{organization}/service_control_policy/{made['Id']}"
    organizations.update_policy(PolicyId=made["Id"], Name=name)
    found = organizations.describe_policy(PolicyId=made["Id"])["Policy"]
    assert found == {"PolicySummary": {**made, "Name": name, "AwsManaged": False}, "Content": HARMLESS}


@documented("API AttachPolicy, ListTargetsForPolicy, DuplicatePolicyAttachmentException, PolicyInUseException")
def test_a_policy_is_attached_once_and_stays_while_it_is(organizations: Any, policy: Callable[..., Any], unit: str) -> None:
    """An attached policy is not attached again and not deleted."""
    made = policy()["Id"]
    organizations.attach_policy(PolicyId=made, TargetId=unit)
    assert sorted(attached(organizations, unit)) == sorted([FULL, made])
    targets = organizations.list_targets_for_policy(PolicyId=made)["Targets"]
    assert [(one["TargetId"], one["Type"]) for one in targets] == [(unit, "ORGANIZATIONAL_UNIT")]
    with refused("DuplicatePolicyAttachmentException"):
        organizations.attach_policy(PolicyId=made, TargetId=unit)
    with refused("PolicyInUseException"):
        organizations.delete_policy(PolicyId=made)


@documented("API DetachPolicy: every root, OU and account must have at least one SCP attached")
def test_one_policy_stays_attached(organizations: Any, unit: str) -> None:
    """The last policy of a target cannot be detached, and one that is not attached cannot either."""
    detach = {"PolicyId": FULL, "TargetId": unit}
    found = reason(organizations, "ConstraintViolation", lambda: organizations.detach_policy(**detach))
    assert found == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"


@documented("Organizations quotas: SCPs on one OU")
def test_five_policies_at_most_are_attached(organizations: Any, policy: Callable[..., Any], unit: str) -> None:
    """A sixth policy is refused."""
    for _ in range(4):
        organizations.attach_policy(PolicyId=policy()["Id"], TargetId=unit)
    more = policy()["Id"]
    found = reason(organizations, "ConstraintViolation", lambda: organizations.attach_policy(PolicyId=more, TargetId=unit))
    assert found == "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"


@documented("API MalformedPolicyDocumentException; quotas: 5,120 bytes")
def test_a_document_that_is_no_control_policy_is_refused(organizations: Any, policy: Callable[..., Any]) -> None:
    """JSON without statements, a principal, and what is no JSON are malformed; what is too long is told apart."""
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    for content in ("not JSON", "{}", json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Principal": "*"}]})):
        with refused("MalformedPolicyDocumentException"):
            policy(Content=content)
    padded = json.dumps({"Version": "2012-10-17", "Statement": [statement]}) + " " * 5120
    found = reason(organizations, "ConstraintViolation", lambda: policy(Content=padded))
    assert found == "POLICY_CONTENT_LIMIT_EXCEEDED"


@documented("API InvalidInputException: IMMUTABLE_POLICY")
def test_the_policies_of_aws_are_not_changed(organizations: Any) -> None:
    """AWS's own policy is neither renamed nor deleted."""
    for call in (
        lambda: organizations.update_policy(PolicyId=FULL, Name="mine"),
        lambda: organizations.delete_policy(PolicyId=FULL),
    ):
        assert reason(organizations, "InvalidInput", call) == "IMMUTABLE_POLICY"


@documented("API DuplicatePolicyException")
def test_policies_have_different_names(policy: Callable[..., Any]) -> None:
    """Two policies of one type cannot have one name."""
    with refused("DuplicatePolicyException"):
        policy(Name=policy()["Name"])


@documented("API EnablePolicyType: PolicyTypeAlreadyEnabledException")
def test_a_policy_type_is_enabled_once(organizations: Any) -> None:
    """The root says which types are enabled, and an enabled one is not enabled again."""
    root = organizations.list_roots()["Roots"][0]
    assert {"Type": SCP, "Status": "ENABLED"} in root["PolicyTypes"]
    with refused("PolicyTypeAlreadyEnabledException"):
        organizations.enable_policy_type(RootId=root["Id"], PolicyType=SCP)


def denying(action: str, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*", **more}]})


@documented("Organizations user guide, SCP evaluation: an explicit deny at any level; the management account is not affected")
def test_a_control_policy_binds_the_administrators_of_a_member(
    hub: Account, organizations: Any, member: Account, policy: Callable[..., Any]
) -> None:
    """What an attached policy denies nobody in the account may, until it is detached; the management account goes on."""
    made = policy(Content=denying("ssm:ListDocuments"))["Id"]
    theirs = member.client("ssm")
    organizations.attach_policy(PolicyId=made, TargetId=member.id)
    eventually(lambda: outcome(theirs.list_documents), lambda told: "explicit deny in a service control policy" in told, 60)
    hub.client("ssm").list_documents()
    organizations.detach_policy(PolicyId=made, TargetId=member.id)
    eventually(lambda: outcome(theirs.list_documents), lambda told: told == "allowed", 60)


def outcome(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error)
    return "allowed"


@pytest.fixture
def resource_control(organizations: Any) -> Iterator[str]:
    """Enable resource control policies, for as long as the claim takes when they were not."""
    root, kind = organizations.list_roots()["Roots"][0], "RESOURCE_CONTROL_POLICY"
    was_enabled = kind in {one["Type"] for one in root["PolicyTypes"]}
    if not was_enabled:
        organizations.enable_policy_type(RootId=root["Id"], PolicyType=kind)
    yield kind
    if not was_enabled:
        organizations.disable_policy_type(RootId=root["Id"], PolicyType=kind)


@documented("Organizations user guide, RCPs: they bound access to resources of members; RCPFullAWSAccess cannot be detached")
def test_a_resource_control_policy_guards_the_resources_of_a_member(
    hub: Account,
    organizations: Any,
    member: Account,
    resource_control: str,
    policy: Callable[..., Any],
    unique: Callable[[str], str],
) -> None:
    """A role of a member that the hub may take is denied by a resource control policy, though its trust allows."""
    iam, name = member.client("iam"), unique("guarded")
    trust = {"Effect": "Allow", "Principal": {"AWS": hub.id}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}))
    arn = f"arn:{hub.partition}:iam::{member.id}:role/{name}"
    take = lambda: hub.client("sts").assume_role(RoleArn=arn, RoleSessionName="conf")  # noqa: E731
    eventually(lambda: outcome(take), lambda told: told == "allowed", 60)
    made = policy(Type=resource_control, Content=denying("sts:AssumeRole", Principal="*"))["Id"]
    organizations.attach_policy(PolicyId=made, TargetId=member.id)
    eventually(lambda: outcome(take), lambda told: "explicit deny in a resource control policy" in told, 60)
    detach = lambda: organizations.detach_policy(PolicyId="p-RCPFullAWSAccess", TargetId=member.id)  # noqa: E731
    assert reason(organizations, "InvalidInput", detach) == "NON_DETACHABLE_POLICY"
    organizations.detach_policy(PolicyId=made, TargetId=member.id)
    iam.delete_role(RoleName=name)


@pytest.fixture
def trusted(organizations: Any) -> Iterator[None]:
    """Give the service trusted access, and take it away afterwards."""
    organizations.enable_aws_service_access(ServicePrincipal=SERVICE)
    yield
    organizations.disable_aws_service_access(ServicePrincipal=SERVICE)


@pytest.fixture
def delegate(organizations: Any, trusted: None, member: Account) -> Iterator[Any]:
    """Let the member administer the service; return its client of Organizations."""
    del trusted
    chosen = {"AccountId": member.id, "ServicePrincipal": SERVICE}
    organizations.register_delegated_administrator(**chosen)
    yield member.client("organizations")
    organizations.deregister_delegated_administrator(**chosen)


@documented("API ConstraintViolationException: SERVICE_ACCESS_NOT_ENABLED, CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR")
def test_who_cannot_administer_a_service(hub: Account, organizations: Any, member: Account, trusted: None) -> None:
    """A service needs trusted access first, and the management account is no delegated administrator."""
    del trusted

    def register(account: str, service: str) -> str:
        chosen = {"AccountId": account, "ServicePrincipal": service}
        return reason(organizations, "ConstraintViolation", lambda: organizations.register_delegated_administrator(**chosen))

    assert register(member.id, "fms.amazonaws.com") == "SERVICE_ACCESS_NOT_ENABLED"
    assert register(hub.id, SERVICE) == "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR"


@documented("API RegisterDelegatedAdministrator: it grants read-only access to Organizations service data")
def test_a_delegated_administrator_reads_and_changes_nothing(organizations: Any, delegate: Any, member: Account) -> None:
    """It sees what the management account sees, is listed with its service, and is refused every change."""
    assert delegate.list_accounts() | {"ResponseMetadata": 0} == organizations.list_accounts() | {"ResponseMetadata": 0}
    listed = delegate.list_delegated_administrators(ServicePrincipal=SERVICE)["DelegatedAdministrators"]
    assert [one["Id"] for one in listed] == [member.id]
    services = delegate.list_delegated_services_for_account(AccountId=member.id)["DelegatedServices"]
    assert SERVICE in [one["ServicePrincipal"] for one in services]
    for call in (
        lambda: delegate.tag_resource(ResourceId=member.id, Tags=[{"Key": "a", "Value": "b"}]),
        lambda: delegate.create_policy(Name="x", Description="", Type=SCP, Content=HARMLESS),
        lambda: delegate.enable_aws_service_access(ServicePrincipal=SERVICE),
    ):
        with refused("AccessDeniedException", DENIED):
            call()


@documented("API AccountAlreadyRegisteredException, DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE, removal of a delegate")
def test_a_delegated_administrator_stays_until_it_is_deregistered(organizations: Any, delegate: Any, member: Account) -> None:
    """It is registered once; the service keeps its access, and the account its membership, while it is."""
    del delegate
    with refused("AccountAlreadyRegisteredException"):
        organizations.register_delegated_administrator(AccountId=member.id, ServicePrincipal=SERVICE)
    disable = lambda: organizations.disable_aws_service_access(ServicePrincipal=SERVICE)  # noqa: E731
    assert reason(organizations, "ConstraintViolation", disable) == "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE"
    remove = lambda: organizations.remove_account_from_organization(AccountId=member.id)  # noqa: E731
    assert reason(organizations, "ConstraintViolation", remove) == "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"


@documented("API DeregisterDelegatedAdministrator: AccountNotRegisteredException")
def test_who_administers_nothing_is_not_deregistered(organizations: Any, member: Account) -> None:
    """An account that administers no service is told so."""
    with refused("AccountNotRegisteredException"):
        organizations.deregister_delegated_administrator(AccountId=member.id, ServicePrincipal=SERVICE)


@pytest.fixture
def delegated(organizations: Any, member: Account) -> Iterator[Callable[..., dict[str, Any]]]:
    """Put a resource policy that lets the member do something; it is gone afterwards."""
    made = []

    def put(*actions: str, principal: str = "", resource: str = "*") -> dict[str, Any]:
        root = principal or f"arn:{member.partition}:iam::{member.id}:root"
        statement = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": list(actions), "Resource": resource}
        content = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made.append(organizations.put_resource_policy(Content=content)["ResourcePolicy"])
        return dict(made[-1])

    yield put
    if made:
        organizations.delete_resource_policy()


@documented("Organizations user guide, Delegated administrator for AWS Organizations")
def test_the_resource_policy_delegates_what_it_says(
    member: Account, organizations: Any, delegated: Callable[..., Any], policy: Callable[..., Any]
) -> None:
    """A member that the policy names does what it says and nothing else; the policy is one, however often it is put."""
    theirs, made = member.client("organizations"), policy()
    first = delegated("organizations:ListPolicies", "organizations:UpdatePolicy")
    assert made["Id"] in [one["Id"] for one in theirs.list_policies(Filter=SCP)["Policies"]]
    theirs.update_policy(PolicyId=made["Id"], Description="theirs")
    with refused("AccessDeniedException", DENIED):
        theirs.list_accounts()
    second = delegated("organizations:ListAccounts")
    assert second["ResourcePolicySummary"] == first["ResourcePolicySummary"]
    theirs.list_accounts()
    with refused("AccessDeniedException", DENIED):
        theirs.update_policy(PolicyId=made["Id"], Description="mine")
    assert organizations.describe_resource_policy()["ResourcePolicy"] == second


@documented("API InvalidInputException: UNSUPPORTED_ACTION_IN_RESOURCE_POLICY and its like")
def test_what_a_resource_policy_cannot_delegate(hub: Account, organizations: Any, delegated: Callable[..., Any]) -> None:
    """Only the operations of policies and reading, to accounts of the organization, on its resources."""
    bucket = f"arn:{hub.partition}:s3:::bucket"
    for params, why in (
        ({"actions": ["organizations:CreateAccount"]}, "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        ({"actions": ["organizations:ListRoots"], "resource": bucket}, "UNSUPPORTED_RESOURCE_IN_RESOURCE_POLICY"),
        ({"actions": ["organizations:ListRoots"], "principal": "000000000000"}, "INVALID_PRINCIPAL"),
    ):
        actions = params.pop("actions")
        assert reason(organizations, "InvalidInput", lambda: delegated(*actions, **params)) == why  # noqa: B023
    with refused("ResourcePolicyNotFoundException"):
        organizations.describe_resource_policy()
