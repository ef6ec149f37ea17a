"""How an organization changes, who may change it, and what the others hear of it."""

import pytest
from organization.world import ASLEEP, HUB, ONE, OTHER, ROOT, SEED, STACKSETS, TWO, UPPER, World

from localorg.kernel.errors import AwsError
from localorg.kernel.store import Store
from localorg.organization.records import AccountSeed, OrganizationSeed, UnitSeed


def refused(world, operation, params, account=HUB):
    with pytest.raises(AwsError) as refusal:
        world.call(operation, params, account)
    return refusal.value


def test_only_the_management_account_writes():
    """Documented: Organizations API reference, MoveAccount can be called only from the management account."""
    world = World()
    world.call("RegisterDelegatedAdministrator", {"AccountId": TWO, "ServicePrincipal": STACKSETS})
    move = {"AccountId": ONE, "SourceParentId": UPPER, "DestinationParentId": OTHER}
    assert refused(world, "MoveAccount", move, TWO).code == "AccessDeniedException"
    assert world.facts == []


def test_a_moved_account_is_told_to_everyone():
    """Documented: Organizations API reference, MoveAccount."""
    world = World()
    world.call("MoveAccount", {"AccountId": ONE, "SourceParentId": UPPER, "DestinationParentId": OTHER})
    world.kernel.step()
    assert world.facts == [{"kind": "account-moved", "account": ONE, "parent": OTHER, "source": UPPER}]
    assert world.call("ListParents", {"ChildId": ONE})["Parents"][0]["Id"] == OTHER


@pytest.mark.parametrize(
    ("source", "destination", "code"),
    [
        (OTHER, ROOT, "SourceParentNotFoundException"),
        (UPPER, "ou-abcd-99999999", "DestinationParentNotFoundException"),
        (UPPER, UPPER, "DuplicateAccountException"),
    ],
)
def test_an_impossible_move_is_refused(source, destination, code):
    """Documented: Organizations API reference, MoveAccount errors."""
    params = {"AccountId": ONE, "SourceParentId": source, "DestinationParentId": destination}
    assert refused(World(), "MoveAccount", params).code == code


def test_a_new_account_takes_time_and_begins_under_the_root():
    """Documented: Organizations API reference, CreateAccount works asynchronously; the account is put under the root."""
    world = World()
    status = world.call("CreateAccount", {"AccountName": "new", "Email": "new@example.com"})["CreateAccountStatus"]
    assert status["State"] == "IN_PROGRESS"
    world.kernel.run_until(world.kernel.now() + 5)
    done = world.call("DescribeCreateAccountStatus", {"CreateAccountRequestId": status["Id"]})["CreateAccountStatus"]
    assert done["State"] == "SUCCEEDED"
    fact = {"kind": "account-created", "account": done["AccountId"], "parent": ROOT, "role": "OrganizationAccountAccessRole"}
    assert world.facts == [fact]
    assert world.organization.organization_of(done["AccountId"]) == "o-localorg01"


def test_an_email_that_is_taken_fails_the_creation():
    """Documented: Organizations API reference, CreateAccountFailureReason EMAIL_ALREADY_EXISTS."""
    world = World()
    status = world.call("CreateAccount", {"AccountName": "new", "Email": "ONE@example.com"})["CreateAccountStatus"]
    world.kernel.run_until(world.kernel.now() + 5)
    done = world.call("DescribeCreateAccountStatus", {"CreateAccountRequestId": status["Id"]})["CreateAccountStatus"]
    assert (done["State"], done["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")


def test_closing_passes_through_pending_closure():
    """Documented: Organizations API reference, CloseAccount: PENDING_CLOSURE first. Assumed: how long it takes."""
    world = World()
    world.call("CloseAccount", {"AccountId": ONE})
    assert world.call("DescribeAccount", {"AccountId": ONE})["Account"]["State"] == "PENDING_CLOSURE"
    assert refused(world, "CloseAccount", {"AccountId": ONE}).code == "ConflictException"
    world.kernel.run_until(world.kernel.now() + 120)
    assert world.call("DescribeAccount", {"AccountId": ONE})["Account"]["State"] == "CLOSED"
    assert [fact["state"] for fact in world.facts] == ["PENDING_CLOSURE", "CLOSED"]
    assert refused(world, "CloseAccount", {"AccountId": ONE}).code == "AccountAlreadyClosedException"


def test_an_account_may_leave_while_it_is_being_closed():
    """Assumed: AWS closes it all the same; here nobody asks about it any more."""
    world = World()
    world.call("CloseAccount", {"AccountId": ONE})
    world.call("RemoveAccountFromOrganization", {"AccountId": ONE})
    world.kernel.run_until(world.kernel.now() + 120)
    assert world.kernel.faults == []


def test_the_management_account_neither_closes_nor_leaves():
    """Documented: Organizations API reference, CloseAccount and RemoveAccountFromOrganization."""
    world = World()
    assert refused(world, "CloseAccount", {"AccountId": HUB}).members == {"Reason": "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"}
    assert refused(world, "RemoveAccountFromOrganization", {"AccountId": HUB}).code == "MasterCannotLeaveOrganizationException"


def test_an_account_that_leaves_is_in_no_organization():
    """Documented: Organizations API reference, RemoveAccountFromOrganization."""
    world = World()
    world.call("RemoveAccountFromOrganization", {"AccountId": ONE})
    world.kernel.step()
    assert world.facts == [{"kind": "account-removed", "account": ONE, "source": UPPER}]
    assert world.organization.organization_of(ONE) is None


def test_units_come_and_go():
    """Documented: Organizations API reference, Create-, Update- and DeleteOrganizationalUnit."""
    world = World()
    unit = world.call("CreateOrganizationalUnit", {"ParentId": OTHER, "Name": "new"})["OrganizationalUnit"]
    assert unit["Id"].startswith("ou-abcd-")
    again = refused(world, "CreateOrganizationalUnit", {"ParentId": OTHER, "Name": "new"})
    assert again.code == "DuplicateOrganizationalUnitException"
    assert (
        refused(world, "DeleteOrganizationalUnit", {"OrganizationalUnitId": UPPER}).code == "OrganizationalUnitNotEmptyException"
    )
    world.call("DeleteOrganizationalUnit", {"OrganizationalUnitId": unit["Id"]})
    world.kernel.step()
    assert [fact["kind"] for fact in world.facts] == ["ou-created", "ou-deleted"]


def test_units_nest_five_deep():
    """Documented: Organizations quotas, OU maximum nesting in a root: 5."""
    world, parent = World(), ROOT
    for depth in range(5):
        parent = world.call("CreateOrganizationalUnit", {"ParentId": parent, "Name": f"level{depth}"})["OrganizationalUnit"]["Id"]
    refusal = refused(world, "CreateOrganizationalUnit", {"ParentId": parent, "Name": "too deep"})
    assert refusal.members == {"Reason": "OU_DEPTH_LIMIT_EXCEEDED"}


def test_a_delegate_needs_trusted_access_first():
    """Documented: Organizations API reference, ConstraintViolationException SERVICE_ACCESS_NOT_ENABLED."""
    world = World()
    params = {"AccountId": TWO, "ServicePrincipal": "config.amazonaws.com"}
    refusal = refused(world, "RegisterDelegatedAdministrator", params)
    assert refusal.members == {"Reason": "SERVICE_ACCESS_NOT_ENABLED"}
    assert "EnableAWSServiceAccess" in refusal.message
    world.call("EnableAWSServiceAccess", {"ServicePrincipal": "config.amazonaws.com"})
    world.call("RegisterDelegatedAdministrator", params)
    assert refused(world, "RegisterDelegatedAdministrator", params).code == "AccountAlreadyRegisteredException"
    listed = world.call("ListDelegatedAdministrators", {"ServicePrincipal": "config.amazonaws.com"})["DelegatedAdministrators"]
    assert [row["Id"] for row in listed] == [TWO]
    services = world.call("ListDelegatedServicesForAccount", {"AccountId": TWO})["DelegatedServices"]
    assert [row["ServicePrincipal"] for row in services] == ["config.amazonaws.com"]
    refusal = refused(world, "DisableAWSServiceAccess", {"ServicePrincipal": "config.amazonaws.com"})
    assert refusal.members == {"Reason": "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE"}
    world.call("DeregisterDelegatedAdministrator", params)
    world.call("DisableAWSServiceAccess", {"ServicePrincipal": "config.amazonaws.com"})
    assert refused(world, "DeregisterDelegatedAdministrator", params).code == "AccountNotRegisteredException"


def test_the_management_account_is_no_delegate():
    """Documented: Organizations API reference, CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR."""
    params = {"AccountId": HUB, "ServicePrincipal": STACKSETS}
    assert "management account" in refused(World(), "RegisterDelegatedAdministrator", params).message


def test_a_restart_keeps_what_was_changed(tmp_path):
    """Assumed: localorg's own rule, existing rows win over the seed and what the seed has new is added."""
    store = Store(tmp_path / "rows.sqlite")
    world = World(store=store)
    world.call("MoveAccount", {"AccountId": ONE, "SourceParentId": UPPER, "DestinationParentId": OTHER})
    world.kernel.step()
    store.close()
    grown = OrganizationSeed(
        **{**vars(SEED), "accounts": (*SEED.accounts, AccountSeed("6" * 12, "six", "six@example.com", OTHER))}
    )
    again = World(grown, Store(tmp_path / "rows.sqlite"))
    assert again.call("ListParents", {"ChildId": ONE})["Parents"][0]["Id"] == OTHER
    assert "6" * 12 in again.organization.accounts()


def test_a_wrong_seed_tells_everything_at_once():
    """Assumed: localorg's own rule for files that people write."""
    bad = OrganizationSeed(
        "org",
        ROOT,
        HUB,
        units=(UnitSeed(UPPER, "a", OTHER), UnitSeed(OTHER, "b", UPPER)),
        accounts=(AccountSeed(ONE, "one", "one@example.com", "ou-abcd-99999999", "ASLEEP"),),
    )
    with pytest.raises(ValueError, match="cannot be seeded") as refusal:
        World(bad)
    for sentence in (
        "organization id 'org'",
        f"unit {UPPER}: its parents",
        "neither the root nor a unit",
        "'ASLEEP'",
        "not among",
    ):
        assert sentence in str(refusal.value)


def test_facts_for_the_neighbours():
    """Assumed: the ports of identity, localorg's own."""
    organization = World().organization
    assert organization.is_management(HUB)
    assert not organization.is_management(ONE)
    assert organization.management_of(ASLEEP) == HUB
    assert organization.organization_path_of(ONE) == f"o-localorg01/{ROOT}/{UPPER}/"
