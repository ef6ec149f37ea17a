"""AWS Organizations: the tree, tags and pages, and who may ask."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.claims import documented, observed, refused
from conformance.target import Account

DENIED = "You don't have permissions to access this resource."


@pytest.fixture
def organizations(hub: Account) -> Any:
    return hub.client("organizations")


@pytest.fixture
def root(organizations: Any) -> str:
    return str(organizations.list_roots()["Roots"][0]["Id"])


@pytest.fixture
def unit(organizations: Any, root: str, unique: Callable[[str], str]) -> Iterator[Callable[..., dict[str, Any]]]:
    """Make units that are gone afterwards, the last made first."""
    made = []

    def create(parent: str = "", name: str = "", **more: Any) -> dict[str, Any]:
        params = {"ParentId": parent or root, "Name": name or unique("unit"), **more}
        made.append(organizations.create_organizational_unit(**params)["OrganizationalUnit"])
        return dict(made[-1])

    yield create
    for one in reversed(made):
        organizations.delete_organizational_unit(OrganizationalUnitId=one["Id"])


@documented("API DescribeOrganization: from any account in an organization")
def test_any_member_may_describe_the_organization(hub: Account, member: Account) -> None:
    """Every member sees the organization, its management account and that all features are enabled."""
    seen = member.client("organizations").describe_organization()["Organization"]
    assert (seen["MasterAccountId"], seen["FeatureSet"]) == (hub.id, "ALL")
    assert seen["Arn"] == f"arn:{hub.partition}:organizations::{hub.id}:organization/{seen['Id']}"
    assert seen["MasterAccountArn"] == f"arn:{hub.partition}:organizations::{hub.id}:account/{seen['Id']}/{hub.id}"


@documented("API ListAccounts: only from the management account or a delegated administrator")
@pytest.mark.parametrize(
    "operation", ["list_accounts", "list_roots", "list_delegated_administrators", "list_create_account_status"]
)
def test_an_ordinary_member_may_not_look_around(member: Account, operation: str) -> None:
    """A member that is no delegated administrator is refused, whatever its identity policies allow."""
    with refused("AccessDeniedException", DENIED):
        getattr(member.client("organizations"), operation)()


@documented("API CreateOrganization: AlreadyInOrganizationException")
def test_a_member_cannot_make_another_organization(hub: Account, member: Account) -> None:
    """An account belongs to one organization at a time, its management account too."""
    for account in (hub, member):
        with refused("AlreadyInOrganizationException", "already a member of an organization"):
            account.client("organizations").create_organization(FeatureSet="ALL")


@documented("API DeleteOrganization: OrganizationNotEmptyException")
def test_an_organization_with_members_stays(organizations: Any) -> None:
    """An organization is deleted only when every member has left."""
    with refused("OrganizationNotEmptyException", "remove all accounts"):
        organizations.delete_organization()


@documented("API EnableAllFeatures: ORGANIZATION_ALREADY_HAS_ALL_FEATURES")
def test_all_features_are_enabled_once(organizations: Any) -> None:
    """Where all features are enabled there is nothing to enable, and the reason is told."""
    with pytest.raises(organizations.exceptions.HandshakeConstraintViolationException) as caught:
        organizations.enable_all_features()
    assert caught.value.response["Reason"] == "ORGANIZATION_ALREADY_HAS_ALL_FEATURES"


@documented("API OrganizationalUnit: Id, Arn, Name, Path")
def test_a_unit_says_where_it_is(hub: Account, unit: Callable[..., Any], root: str) -> None:
    """A unit's id carries the root's, its ARN the management account and the organization, its path everything above it."""
    upper = unit()
    lower, organization = unit(upper["Id"]), upper["Path"].split("/")[0]
    assert upper["Id"].startswith(f"ou-{root.removeprefix('r-')}-")
    assert upper["Arn"] == f"arn:{hub.partition}:organizations::{hub.id}:ou/{organization}/{upper['Id']}"
    assert lower["Path"] == f"{organization}/{root}/{upper['Id']}/{lower['Id']}/"


@documented("API UpdateOrganizationalUnit: the id and ARN don't change")
def test_a_unit_is_renamed(organizations: Any, unit: Callable[..., Any], unique: Callable[[str], str]) -> None:
    """A rename changes the name alone."""
    before, name = unit(), unique("renamed")
    after = organizations.update_organizational_unit(OrganizationalUnitId=before["Id"], Name=name)["OrganizationalUnit"]
    assert after == {**before, "Name": name}
    assert organizations.describe_organizational_unit(OrganizationalUnitId=before["Id"])["OrganizationalUnit"] == after


@documented("API DuplicateOrganizationalUnitException")
def test_siblings_have_different_names(unit: Callable[..., Any]) -> None:
    """Two units below one parent cannot have one name; below another parent they can."""
    first = unit()
    with refused("DuplicateOrganizationalUnitException", "An OU with the same name already exists."):
        unit(name=first["Name"])
    unit(first["Id"], first["Name"])


@documented("Organizations quotas: OU maximum nesting in a root, five levels")
def test_units_nest_five_levels_deep(organizations: Any, unit: Callable[..., Any]) -> None:
    """A sixth level is refused with OU_DEPTH_LIMIT_EXCEEDED."""
    parent = ""
    for _ in range(5):
        parent = unit(parent)["Id"]
    with pytest.raises(organizations.exceptions.ConstraintViolationException) as caught:
        unit(parent)
    assert caught.value.response["Reason"] == "OU_DEPTH_LIMIT_EXCEEDED"


@documented("API DeleteOrganizationalUnit: OrganizationalUnitNotEmptyException")
def test_a_unit_with_children_stays(organizations: Any, unit: Callable[..., Any]) -> None:
    """A unit goes only when it has no units and no accounts."""
    upper = unit()
    unit(upper["Id"])
    with refused("OrganizationalUnitNotEmptyException"):
        organizations.delete_organizational_unit(OrganizationalUnitId=upper["Id"])


@documented("API ListParents, ListChildren")
def test_the_tree_is_walked_up_and_down(organizations: Any, unit: Callable[..., Any], root: str) -> None:
    """A child has one parent, and a parent lists its direct children of the kind that is asked for."""
    upper = unit()["Id"]
    lower = unit(upper)["Id"]
    assert organizations.list_parents(ChildId=lower)["Parents"] == [{"Id": upper, "Type": "ORGANIZATIONAL_UNIT"}]
    assert organizations.list_parents(ChildId=upper)["Parents"] == [{"Id": root, "Type": "ROOT"}]
    listed = organizations.list_children(ParentId=upper, ChildType="ORGANIZATIONAL_UNIT")["Children"]
    assert listed == [{"Id": lower, "Type": "ORGANIZATIONAL_UNIT"}]
    assert organizations.list_children(ParentId=upper, ChildType="ACCOUNT")["Children"] == []


@documented("API reference: the NotFound exceptions of each operation")
def test_what_is_not_there_is_named_by_its_kind(organizations: Any, root: str) -> None:
    """Units, parents, children, accounts, policies, targets and requests each have an exception of their own."""
    nowhere = f"ou-{root.removeprefix('r-')}-00000000"
    for operation, params, kind, what in (
        (
            "describe_organizational_unit",
            {"OrganizationalUnitId": nowhere},
            "OrganizationalUnitNotFound",
            "an organizational unit",
        ),
        ("list_accounts_for_parent", {"ParentId": nowhere}, "ParentNotFound", "a parent"),
        ("list_parents", {"ChildId": nowhere}, "ChildNotFound", "a child"),
        ("describe_account", {"AccountId": "000000000000"}, "AccountNotFound", "an account"),
        ("describe_policy", {"PolicyId": "p-00000000"}, "PolicyNotFound", "a policy"),
        ("list_tags_for_resource", {"ResourceId": nowhere}, "TargetNotFound", "a target"),
    ):
        with refused(f"{kind}Exception", f"You specified {what} that doesn't exist."):
            getattr(organizations, operation)(**params)


@documented("API ListAccounts, MaxResults: 1 to 20; NextToken")
def test_pages_tell_everything_once(organizations: Any, unit: Callable[..., Any]) -> None:
    """Pages of two tell every unit exactly once; a token that no page gave and more than 20 a page are refused."""
    parent = unit()["Id"]
    made = {unit(parent)["Id"] for _ in range(5)}
    pages = organizations.get_paginator("list_organizational_units_for_parent").paginate(
        ParentId=parent, PaginationConfig={"PageSize": 2}
    )
    seen = [one["Id"] for page in pages for one in page["OrganizationalUnits"]]
    assert len(seen) == 5
    assert set(seen) == made
    with pytest.raises(organizations.exceptions.InvalidInputException) as caught:
        organizations.list_accounts(NextToken="bm90aGluZw==")
    assert caught.value.response["Reason"] == "INVALID_NEXT_TOKEN"
    with refused("InvalidInputException"):
        organizations.list_accounts(MaxResults=21)


@documented("API InvalidInputException, Reason; its sentence for patterns is reported in boto3 issue 4565")
def test_bad_values_are_refused_with_a_reason(organizations: Any) -> None:
    """A value that no model allows is refused with the reason of its kind, and the sentence of that reason."""
    words = "You provided a value that does not match the required pattern."
    with refused("InvalidInputException", words):
        organizations.describe_account(AccountId="99")
    found = []
    for operation, params in (
        ("describe_account", {"AccountId": "99"}),
        ("describe_account", {}),
        ("list_policies", {"Filter": "NO_POLICY"}),
        ("list_accounts", {"MaxResults": 21}),
    ):
        with pytest.raises(organizations.exceptions.InvalidInputException) as caught:
            getattr(organizations, operation)(**params)
        found.append(caught.value.response["Reason"])
    assert found == ["INVALID_PATTERN", "INPUT_REQUIRED", "INVALID_ENUM_POLICY_TYPE", "MAX_VALUE_EXCEEDED"]


@documented("API TagResource, UntagResource, ListTagsForResource")
def test_tags_come_with_a_unit_change_and_go(organizations: Any, unit: Callable[..., Any]) -> None:
    """Tags of the creation are there, a key that is given again has the new value, and taken away it is gone."""
    made = unit(Tags=[{"Key": "team", "Value": "blue"}, {"Key": "old", "Value": ""}])["Id"]
    organizations.tag_resource(ResourceId=made, Tags=[{"Key": "team", "Value": "green"}])
    organizations.untag_resource(ResourceId=made, TagKeys=["old"])
    assert organizations.list_tags_for_resource(ResourceId=made)["Tags"] == [{"Key": "team", "Value": "green"}]


@documented("API InvalidInputException: DUPLICATE_TAG_KEY, INVALID_SYSTEM_TAGS_PARAMETER")
def test_tags_that_are_refused(organizations: Any, root: str) -> None:
    """A key twice in a request, and a key of AWS's own, are refused with their reasons."""
    for keys, reason in ((("a", "a"), "DUPLICATE_TAG_KEY"), (("aws:a",), "INVALID_SYSTEM_TAGS_PARAMETER")):
        with pytest.raises(organizations.exceptions.InvalidInputException) as caught:
            organizations.tag_resource(ResourceId=root, Tags=[{"Key": key, "Value": "x"} for key in keys])
        assert caught.value.response["Reason"] == reason


@observed("AWS, reported with the principal reports.billing.amazonaws.com")
def test_a_service_that_does_not_integrate_is_not_recognized(organizations: Any) -> None:
    """Trusted access is for services that work with Organizations only."""
    with refused("InvalidInputException", "You specified an unrecognized service principal."):
        organizations.enable_aws_service_access(ServicePrincipal="reports.billing.amazonaws.com")
