"""The control policies of an organization over its accounts: whom they reach, and in which words they refuse."""

import json
from typing import Any

import pytest
from identity.world import HUB, MEMBER, REGION, World, allow, deny, document

from localorg.identity.service import Identity
from localorg.kernel.errors import AccessDenied
from localorg.protocol.calls import Access, Principal
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate

FULL = document(allow("*"))


class Governed(World):
    """A world whose member is under the levels of service control policies that a test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[list[str]] = []
        organization = self.identity.authoriser.around.organization_of
        secrets = self.identity.sessions._secrets._source  # the same source goes on, so that no key is drawn twice
        self.identity = Identity(
            self.kernel,
            secrets,
            organization,
            service_control=lambda account: tuple(map(tuple, self.levels)) if account == MEMBER else (),
        )
        self.gateway = Gateway(self.kernel, self.identity, validate)
        self.gateway.add(self.identity.operations())

    def refusal(self, who: Principal, action: str, resource: str = "*", **more: Any) -> str | None:
        """Return why not, in AWS's words after the resource, or None."""
        denial = self.identity.authoriser.denial(who, REGION, Access(action, resource, **more))
        return denial.reason if denial else None


@pytest.fixture
def world() -> Governed:
    return Governed()


def test_every_level_must_allow(world: Governed) -> None:
    """Documented: Organizations user guide, "SCP evaluation": an allow at each level from the root to the account, or none at all."""
    admin = world.admin(MEMBER)
    missing = "because no service control policy allows the ssm:GetDocument action"
    world.levels = [[FULL], [FULL], [document(allow("ssm:*"))]]
    assert world.refusal(admin, "ssm:GetDocument") is None
    assert world.refusal(admin, "s3:GetObject") == "because no service control policy allows the s3:GetObject action"
    world.levels = [[FULL], [document(allow("s3:*")), document(allow("ec2:*"))], [FULL]]
    assert world.refusal(admin, "ssm:GetDocument") == missing
    assert world.refusal(admin, "ec2:StopInstances") is None
    world.levels = [[FULL], []]
    assert world.refusal(admin, "ssm:GetDocument") == missing


def test_a_deny_at_any_level_wins(world: Governed) -> None:
    """Documented: IAM user guide, "Troubleshoot access denied error messages": the sentence names the kind of policy."""
    world.levels = [[FULL, document(deny("ssm:Get*", StringNotEquals={"aws:PrincipalArn": "x"}))], [FULL]]
    with pytest.raises(AccessDenied) as refusal:
        world.identity.check(world.admin(MEMBER), REGION, Access("ssm:GetDocument", "*"))
    assert refusal.value.message == (
        f"User: arn:aws:iam::{MEMBER}:user/admin is not authorized to perform: ssm:GetDocument on resource: * "
        "with an explicit deny in a service control policy"
    )


def test_whom_they_reach_and_whom_not(world: Governed) -> None:
    """Documented: Organizations user guide, "Service control policies": the root user of a member too; not service-linked roles, not
    services, and not the principals of another account that a resource's policy lets in."""
    world.levels = [[document(deny("*"))]]
    explicit = "with an explicit deny in a service control policy"
    root = Principal("root", MEMBER, f"arn:aws:iam::{MEMBER}:root")
    assert world.refusal(root, "ssm:GetDocument") == explicit
    assert world.refusal(world.identity.service_linked_role(MEMBER, "ssm.amazonaws.com"), "ssm:SendCommand") is None
    service = Principal("service", MEMBER, "ssm.amazonaws.com", service="ssm.amazonaws.com", source_account=MEMBER)
    everyone = {"Version": "2012-10-17", "Statement": [{**allow("s3:*"), "Principal": "*"}]}
    bucket = {"resource": "arn:aws:s3:::b/k", "owner": MEMBER, "resource_policy": everyone}
    assert world.refusal(service, "s3:GetObject", **bucket) is None
    assert world.refusal(world.admin(HUB), "s3:GetObject", **bucket) is None
    assert world.refusal(world.admin(HUB), "ssm:GetDocument") is None


def test_they_only_narrow(world: Governed) -> None:
    """Documented: an SCP never grants: what no policy of one's own allows stays denied."""
    world.levels = []
    nobody = world.user(MEMBER, "nobody")
    world.levels = [[FULL]]
    assert world.refusal(nobody, "ssm:GetDocument") == "because no identity-based policy allows the ssm:GetDocument action"
    assert json.loads(FULL)["Statement"][0]["Effect"] == "Allow"
