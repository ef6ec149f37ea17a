"""What the Organizations API answers, to whom, page by page."""

import pytest
from organization.world import ASLEEP, DEEP, HUB, LOWER, ONE, OTHER, ROOT, SEED, STACKSETS, TWO, UPPER, World

from localorg.kernel.errors import AwsError
from localorg.organization.records import AccountSeed, OrganizationSeed
from localorg.protocol.calls import ApiCall, Principal, Request

READS = [
    ("ListRoots", {}),
    ("ListAccounts", {}),
    ("DescribeAccount", {"AccountId": ONE}),
    ("ListAccountsForParent", {"ParentId": UPPER}),
    ("ListOrganizationalUnitsForParent", {"ParentId": ROOT}),
    ("ListChildren", {"ParentId": UPPER, "ChildType": "ACCOUNT"}),
    ("ListParents", {"ChildId": ONE}),
    ("DescribeOrganizationalUnit", {"OrganizationalUnitId": UPPER}),
    ("ListDelegatedAdministrators", {}),
    ("ListAWSServiceAccessForOrganization", {}),
]


def test_any_member_may_describe_the_organization():
    """Documented: Organizations API reference, DescribeOrganization can be called from any account in the organization."""
    organization = World().call("DescribeOrganization", account=TWO)["Organization"]
    assert organization["Id"] == "o-localorg01"
    assert organization["MasterAccountId"] == HUB
    assert organization["Arn"] == f"arn:aws:organizations::{HUB}:organization/o-localorg01"


def test_a_stranger_is_told_that_it_is_in_no_organization():
    """Documented: Organizations API reference, AWSOrganizationsNotInUseException."""
    with pytest.raises(AwsError, match="not a member of an organization") as refusal:
        World().call("DescribeOrganization", account="999999999999")
    assert refusal.value.code == "AWSOrganizationsNotInUseException"


@pytest.mark.parametrize(("operation", "params"), READS)
def test_only_management_and_delegates_read(operation, params):
    """Documented: Organizations API reference, each of these can be called only from the management account or a delegate."""
    world = World()
    with pytest.raises(AwsError, match="You don't have permissions to access this resource") as refusal:
        world.call(operation, params, account=ONE)
    assert refusal.value.code == "AccessDeniedException"
    by_management = world.call(operation, params)
    world.call("RegisterDelegatedAdministrator", {"AccountId": TWO, "ServicePrincipal": STACKSETS})
    if operation != "ListDelegatedAdministrators":
        assert world.call(operation, params, account=TWO) == by_management


def test_an_account_has_both_status_and_state():
    """Documented: Organizations API reference, Account: Status goes away on 9 September 2026, State stays."""
    account = World().call("DescribeAccount", {"AccountId": ASLEEP})["Account"]
    assert (account["Status"], account["State"]) == ("SUSPENDED", "SUSPENDED")
    assert account["Arn"] == f"arn:aws:organizations::{HUB}:account/o-localorg01/{ASLEEP}"
    assert account["Paths"] == [f"o-localorg01/{ROOT}/{UPPER}/{ASLEEP}/"]


def test_lists_of_a_parent_hold_direct_children_only():
    """Documented: Organizations API reference, ListAccountsForParent lists accounts in that OU or root, not in child OUs."""
    world = World()
    accounts = world.call("ListAccountsForParent", {"ParentId": UPPER})["Accounts"]
    assert [account["Id"] for account in accounts] == [ONE, ASLEEP]
    units = world.call("ListOrganizationalUnitsForParent", {"ParentId": ROOT})["OrganizationalUnits"]
    assert [unit["Id"] for unit in units] == [UPPER, OTHER]
    children = world.call("ListChildren", {"ParentId": UPPER, "ChildType": "ORGANIZATIONAL_UNIT"})["Children"]
    assert children == [{"Id": LOWER, "Type": "ORGANIZATIONAL_UNIT"}]
    assert world.call("ListParents", {"ChildId": DEEP})["Parents"] == [{"Id": LOWER, "Type": "ORGANIZATIONAL_UNIT"}]


def test_pages_hold_at_most_twenty():
    """Documented: Organizations quotas, 20 results a page; every account comes exactly once."""
    more = tuple(AccountSeed(f"6{n:011d}", f"n{n}", f"n{n}@example.com", OTHER) for n in range(45))
    world = World(OrganizationSeed(**{**vars(SEED), "accounts": SEED.accounts + more}))
    seen, token, sizes = [], None, []
    while True:
        answer = world.call("ListAccounts", {"NextToken": token} if token else {})
        sizes.append(len(answer["Accounts"]))
        seen += [account["Id"] for account in answer["Accounts"]]
        token = answer.get("NextToken")
        if not token:
            break
    assert sizes == [20, 20, 10]
    assert len(set(seen)) == len(seen) == 50


def test_a_foreign_token_is_refused():
    """Documented: Organizations API reference, InvalidInputException with reason INVALID_NEXT_TOKEN."""
    with pytest.raises(AwsError, match="invalid NextToken") as refusal:
        World().call("ListAccounts", {"NextToken": "bm90aGluZw=="})
    assert refusal.value.members == {"Reason": "INVALID_NEXT_TOKEN"}


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("DescribeAccount", {"AccountId": "999999999999"}, "AccountNotFoundException"),
        ("ListAccountsForParent", {"ParentId": "ou-abcd-99999999"}, "ParentNotFoundException"),
        ("ListParents", {"ChildId": "999999999999"}, "ChildNotFoundException"),
        ("DescribeOrganizationalUnit", {"OrganizationalUnitId": "ou-abcd-99999999"}, "OrganizationalUnitNotFoundException"),
        ("ListDelegatedServicesForAccount", {"AccountId": ONE}, "AccountNotRegisteredException"),
        ("DescribeCreateAccountStatus", {"CreateAccountRequestId": "car-" + "0" * 32}, "CreateAccountStatusNotFoundException"),
        ("ListAccountsForParent", {"ParentId": "nonsense"}, "InvalidInputException"),
    ],
)
def test_what_is_not_there_is_refused_by_kind(operation, params, code):
    """Documented: Organizations API reference, the errors of each operation."""
    with pytest.raises(AwsError) as refusal:
        World().call(operation, params)
    assert refusal.value.code == code


def test_access_names_the_resource():
    """Documented: Service Authorization Reference, AWS Organizations: actions on account, organizationalunit and root ARNs."""
    world = World()
    rules = {operation.name: operation.access for operation in world.organization.operations()}
    principal = Principal("user", HUB, "x")
    params = {"AccountId": ONE, "SourceParentId": UPPER, "DestinationParentId": ROOT}
    call = ApiCall(principal, "us-east-1", "organizations", "MoveAccount", params)
    request = Request(principal, HUB, call.region, call.service, call.operation, params, 0.0, lambda _access: None)
    assert [access.resource for access in rules["MoveAccount"](request)] == [
        f"arn:aws:organizations::{HUB}:account/o-localorg01/{ONE}",
        f"arn:aws:organizations::{HUB}:ou/o-localorg01/{UPPER}",
        f"arn:aws:organizations::{HUB}:root/o-localorg01/{ROOT}",
    ]
    assert [access.resource for access in rules["ListAccounts"](request)] == ["*"]
