"""Which service control policies govern whom."""

from organization.world import DEEP, HUB, ROOT, World


def test_every_level_has_full_access_from_the_start():
    """Documented: Organizations user guide, "Service control policies": FullAWSAccess is attached to every root, OU and account."""
    levels = World().organization.control_policies(DEEP)
    assert [[policy.policy_id for policy in level] for level in levels] == [["p-FullAWSAccess"]] * 4
    assert levels[0][0].arn == "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"


def test_the_management_account_and_strangers_are_governed_by_none():
    """Documented: Organizations user guide, "Service control policies": they do not affect the management account."""
    organization = World().organization
    assert organization.control_policies(HUB) == organization.control_policies("9" * 12) == ()


def test_a_new_unit_has_full_access():
    """Documented: Organizations user guide, "Service control policies"."""
    world = World()
    unit = world.call("CreateOrganizationalUnit", {"ParentId": ROOT, "Name": "new"})["OrganizationalUnit"]["Id"]
    world.call("MoveAccount", {"AccountId": DEEP, "SourceParentId": "ou-abcd-22222222", "DestinationParentId": unit})
    assert len(world.organization.control_policies(DEEP)) == 3
