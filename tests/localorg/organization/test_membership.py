"""How accounts are made, closed, leave and come in, in virtual time."""

from organization.world import HUB, ONE, OUT, OUTSIDE, ROOT, SEED, STACKSETS, TWO, UPPER, World

from localorg.organization.records import AccountSeed, OrganizationSeed

DAY_S = 86_400


def created(world, **more):
    params = {"AccountName": "new", "Email": "new@example.com", **more}
    request = world.call("CreateAccount", params)["CreateAccountStatus"]["Id"]
    world.wait(5)
    return world.call("DescribeCreateAccountStatus", {"CreateAccountRequestId": request})["CreateAccountStatus"]["AccountId"]


def state(world, account):
    return world.call("DescribeAccount", {"AccountId": account})["Account"]["State"]


def test_the_role_of_a_new_account_is_told_by_its_name():
    """Documented: Organizations API reference, CreateAccount, RoleName."""
    world = World()
    account = created(world, RoleName="Landing", IamUserAccessToBilling="DENY", Tags=[{"Key": "a", "Value": "b"}])
    assert world.facts[0]["role"] == "Landing"
    assert world.call("ListTagsForResource", {"ResourceId": account})["Tags"] == [{"Key": "a", "Value": "b"}]
    assert [one.policy_id for one in world.organization.control_policies(account)[-1]] == ["p-FullAWSAccess"]


def test_five_accounts_are_made_at_once():
    """Documented: Organizations quotas, member accounts that can be created concurrently: 5."""
    world = World()
    for number in range(5):
        world.call("CreateAccount", {"AccountName": "n", "Email": f"n{number}@example.com"})
    refusal = world.refused("CreateAccount", {"AccountName": "n", "Email": "n6@example.com"})
    assert refusal.members == {"Reason": "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED"}
    assert len(world.call("ListCreateAccountStatus", {"States": ["IN_PROGRESS"]})["CreateAccountStatuses"]) == 5
    world.wait(5)
    assert world.call("ListCreateAccountStatus", {"States": ["IN_PROGRESS", "FAILED"]})["CreateAccountStatuses"] == []
    assert len(world.call("ListCreateAccountStatus")["CreateAccountStatuses"]) == 5


def test_a_created_account_stays_four_days():
    """Documented: Organizations API reference, WAIT_PERIOD_ACTIVE."""
    world = World()
    account = created(world)
    assert world.refused("LeaveOrganization", {}, account).members == {"Reason": "WAIT_PERIOD_ACTIVE"}
    world.wait(4 * DAY_S)
    world.call("LeaveOrganization", {}, account)
    assert world.refused("DescribeOrganization", {}, account).code == "AWSOrganizationsNotInUseException"
    assert world.organization.is_open(account)


def test_who_may_not_leave():
    """Documented: Organizations API reference, LeaveOrganization."""
    world = World()
    world.call("RegisterDelegatedAdministrator", {"AccountId": TWO, "ServicePrincipal": STACKSETS})
    assert world.refused("LeaveOrganization", {}, HUB).code == "MasterCannotLeaveOrganizationException"
    refusal = world.refused("LeaveOrganization", {}, TWO)
    assert refusal.members == {"Reason": "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"}


def test_a_closed_account_is_gone_after_ninety_days():
    """Documented: Organizations user guide, "Closing a member account"; the account cannot be worked in meanwhile or afterwards."""
    world = World()
    world.call("CloseAccount", {"AccountId": ONE})
    world.wait(120)
    assert state(world, ONE) == "CLOSED"
    world.wait(91 * DAY_S)
    assert world.refused("DescribeAccount", {"AccountId": ONE}).code == "AccountNotFoundException"
    assert world.facts[-1] == {"kind": "account-removed", "account": ONE, "source": UPPER}
    assert not world.organization.is_open(ONE)


def test_an_account_that_was_opened_again_stays():
    """Documented: Organizations API reference, CloseAccount: AWS Support reinstates an account within 90 days."""
    world = World()
    world.call("CloseAccount", {"AccountId": ONE})
    world.wait(120)
    world.organization.set_account_state(ONE, "ACTIVE")
    world.wait(91 * DAY_S)
    assert state(world, ONE) == "ACTIVE"


def test_three_accounts_are_closed_at_a_time():
    """Documented: Organizations quotas, accounts that can be closed concurrently: 3."""
    accounts = tuple(AccountSeed(f"60000000000{n}", f"n{n}", f"n{n}@example.com", ROOT) for n in range(4))
    world = World(OrganizationSeed(**{**vars(SEED), "accounts": SEED.accounts + accounts}))
    for one in accounts[:3]:
        world.call("CloseAccount", {"AccountId": one.account_id})
    refusal = world.refused("CloseAccount", {"AccountId": accounts[3].account_id})
    assert refusal.members == {"Reason": "CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED"}
    world.wait(120)
    world.call("CloseAccount", {"AccountId": accounts[3].account_id})


def test_every_state_can_be_set_and_only_active_accounts_work():
    """Documented: Organizations user guide, "Monitor the state of your AWS accounts". Assumed: Status of a pending activation."""
    world = World()
    shown = {}
    for wanted in ("PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"):
        world.organization.set_account_state(ONE, wanted)
        account = world.call("DescribeAccount", {"AccountId": ONE})["Account"]
        assert account["State"] == wanted
        shown[wanted] = account["Status"]
        assert world.organization.is_open(ONE) == (wanted == "ACTIVE")
    assert shown == {
        "PENDING_ACTIVATION": "ACTIVE",
        "ACTIVE": "ACTIVE",
        "SUSPENDED": "SUSPENDED",
        "PENDING_CLOSURE": "PENDING_CLOSURE",
        "CLOSED": "SUSPENDED",
    }


def test_a_member_cannot_make_an_organization():
    """Documented: Organizations API reference, AlreadyInOrganizationException, OrganizationNotEmptyException."""
    world = World(OUTSIDE)
    for account in (HUB, ONE):
        assert world.refused("CreateOrganization", {"FeatureSet": "ALL"}, account).code == "AlreadyInOrganizationException"
    assert "a second organization" in world.refused("CreateOrganization", {}, OUT).message
    assert world.refused("DeleteOrganization").code == "OrganizationNotEmptyException"


def test_an_account_from_outside_joins_without_invitation():
    """Assumed: the operator's door stands for whatever brings an account in; it was not created, so it is INVITED."""
    world = World(OUTSIDE)
    world.organization.join(OUT, UPPER)
    world.wait(1)
    assert world.facts == [{"kind": "account-joined", "account": OUT, "parent": UPPER}]
    account = world.call("DescribeAccount", {"AccountId": OUT})["Account"]
    assert (account["JoinedMethod"], account["Paths"]) == ("INVITED", [f"o-localorg01/{ROOT}/{UPPER}/{OUT}/"])
