"""Invitations between the organization and an account outside."""

from organization.world import HUB, ONE, OUT, OUTSIDE, ROOT, World

DAY_S = 86_400

INVITED = {"Target": {"Id": OUT, "Type": "ACCOUNT"}, "Notes": "Come in", "Tags": [{"Key": "a", "Value": "b"}]}


def test_an_invited_account_comes_in():
    """Documented: Organizations API reference, InviteAccountToOrganization, AcceptHandshake."""
    world = World(OUTSIDE)
    handshake = world.call("InviteAccountToOrganization", INVITED)["Handshake"]
    assert (handshake["State"], handshake["Action"]) == ("OPEN", "INVITE")
    assert handshake["Arn"] == f"arn:aws:organizations::{HUB}:handshake/o-localorg01/invite/{handshake['Id']}"
    assert {"Type": "NOTES", "Value": "Come in"} in handshake["Resources"]
    assert world.call("ListHandshakesForAccount", {}, OUT)["Handshakes"] == [handshake]
    chosen = {"HandshakeId": handshake["Id"]}
    assert world.refused("AcceptHandshake", chosen, ONE).code == "AccessDeniedException"
    assert world.call("AcceptHandshake", chosen, OUT)["Handshake"]["State"] == "ACCEPTED"
    assert world.refused("AcceptHandshake", chosen, OUT).code == "HandshakeAlreadyInStateException"
    assert world.refused("CancelHandshake", chosen).code == "InvalidHandshakeTransitionException"
    account = world.call("DescribeAccount", {"AccountId": OUT})["Account"]
    assert (account["JoinedMethod"], account["Paths"]) == ("INVITED", [f"o-localorg01/{ROOT}/{OUT}/"])
    assert world.call("ListTagsForResource", {"ResourceId": OUT})["Tags"] == INVITED["Tags"]
    world.call("LeaveOrganization", {}, OUT)


def test_invitations_that_are_refused():
    """Documented: Organizations API reference, InviteAccountToOrganization errors."""
    world = World(OUTSIDE)
    inside = {"Target": {"Id": "one@example.com", "Type": "EMAIL"}}
    assert world.refused("InviteAccountToOrganization", inside).members == {"Reason": "ALREADY_IN_AN_ORGANIZATION"}
    wrong = {"Target": {"Id": "o-localorg01", "Type": "ORGANIZATION"}}
    assert world.refused("InviteAccountToOrganization", wrong).members == {"Reason": "INVALID_PARTY_TYPE_TARGET"}
    world.call("InviteAccountToOrganization", INVITED)
    assert world.refused("InviteAccountToOrganization", INVITED).code == "DuplicateHandshakeException"


def test_an_invitation_is_declined_or_canceled_or_expires():
    """Documented: Organizations user guide, "Managing account invitations": 15 days; what is over is seen for 30 days."""
    world = World(OUTSIDE)
    for operation, account, state in (("DeclineHandshake", OUT, "DECLINED"), ("CancelHandshake", HUB, "CANCELED")):
        chosen = {"HandshakeId": world.call("InviteAccountToOrganization", INVITED)["Handshake"]["Id"]}
        assert world.call(operation, chosen, account)["Handshake"]["State"] == state
    world.call("InviteAccountToOrganization", INVITED)
    world.wait(16 * DAY_S)
    states = [one["State"] for one in world.call("ListHandshakesForOrganization")["Handshakes"]]
    assert states == ["DECLINED", "CANCELED", "EXPIRED"]
    parent = {"Filter": {"ParentHandshakeId": "h-00000000"}}
    assert world.call("ListHandshakesForOrganization", parent)["Handshakes"] == []
    world.wait(30 * DAY_S)
    assert world.call("ListHandshakesForOrganization")["Handshakes"] == []


def test_all_features_are_enabled_already():
    """Documented: Organizations API reference, ORGANIZATION_ALREADY_HAS_ALL_FEATURES."""
    assert World().refused("EnableAllFeatures").members == {"Reason": "ORGANIZATION_ALREADY_HAS_ALL_FEATURES"}
