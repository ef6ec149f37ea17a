"""Trusted services and how many administrators they take."""

from organization.world import ASLEEP, DEEP, ONE, STACKSETS, TWO, World


def test_a_service_that_aws_does_not_know():
    """Observed: AWS answers InvalidInputException, UNRECOGNIZED_SERVICE_PRINCIPAL, for reports.billing.amazonaws.com."""
    world = World()
    refusal = world.refused("EnableAWSServiceAccess", {"ServicePrincipal": "reports.billing.amazonaws.com"})
    assert (refusal.message, refusal.members) == (
        "You specified an unrecognized service principal.",
        {"Reason": "UNRECOGNIZED_SERVICE_PRINCIPAL"},
    )
    delegate = {"AccountId": ONE, "ServicePrincipal": "ram.amazonaws.com"}
    assert world.refused("RegisterDelegatedAdministrator", delegate).members == {"Reason": "UNRECOGNIZED_SERVICE_PRINCIPAL"}


def test_a_suspended_account_administers_nothing():
    """Documented: Organizations API reference, CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR."""
    refusal = World().refused("RegisterDelegatedAdministrator", {"AccountId": ASLEEP, "ServicePrincipal": STACKSETS})
    assert refusal.members == {"Reason": "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR"}


def test_each_service_says_how_many_administrators_it_takes():
    """Documented: Systems Manager user guide, "Configuring a delegated administrator for Explorer": one."""
    world = World()
    world.call("RegisterDelegatedAdministrator", {"AccountId": ONE, "ServicePrincipal": "ssm.amazonaws.com"})
    refusal = world.refused("RegisterDelegatedAdministrator", {"AccountId": TWO, "ServicePrincipal": "ssm.amazonaws.com"})
    assert refusal.members == {"Reason": "MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED"}
    for account in (ONE, TWO, DEEP):
        world.call("RegisterDelegatedAdministrator", {"AccountId": account, "ServicePrincipal": STACKSETS})
    listed = world.call("ListDelegatedAdministrators", {"ServicePrincipal": "ssm.amazonaws.com"})["DelegatedAdministrators"]
    assert [row["Id"] for row in listed] == [ONE]
    assert len(world.call("ListDelegatedAdministrators")["DelegatedAdministrators"]) == 3


def test_enabling_twice_changes_nothing():
    """Assumed: AWS answers both alike."""
    world = World()
    before = world.call("ListAWSServiceAccessForOrganization")
    world.call("EnableAWSServiceAccess", {"ServicePrincipal": STACKSETS})
    assert world.call("ListAWSServiceAccessForOrganization") == before
