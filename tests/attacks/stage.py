"""The stage of the attacks: a stack that trusts two keys, nodes that have the package, and what must be as it was after each attack.

`Attacker` does what whoever may write into the bucket can do: put and delete any object at any moment, and sign with keys of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localorg.kernel.events import Event
from localorg.protocol.calls import ApiCall, Principal
from simulation.signing import SigningKey, new_key, publish_signed
from simulation.solution import BUCKET, HUB, LAB, NAME, REGIONS, Operator, why

ROLE = f"arn:aws:iam::{HUB}:role/CSD-SystemsManager-AutomationAdministrationRole"
FLOOR = f"/csd/trust/{NAME}"
EVIL = b"#!/bin/sh\necho evil >/etc/csd-marker\n"


def admitting(role: str, owner: str) -> dict[str, Any]:
    """Return a key policy as docs/how-to/sign-a-package.md has it: the owner's account, and the hub's role to verify."""
    hub = role.split(":")[4]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{owner}:root"}, "Action": "kms:*", "Resource": "*"},
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{hub}:root"},
                "Action": ["kms:GetPublicKey", "kms:Verify"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalArn": role}},
            },
        ],
    }


@dataclass
class Stage:
    """An operator whose stack trusts `ours`, a key of the hub, and `theirs`, one of a security account in another Region."""

    operator: Operator
    ours: SigningKey
    theirs: SigningKey

    @classmethod
    def of(cls, operator: Operator) -> "Stage":
        """Deploy with two keys, and install 1.0.0 and 1.1.0, each signed by another one of them; the floor is then 1.1.0."""
        theirs = new_key(operator, LAB, "eu-west-1", admitting(ROLE, LAB))
        stage = cls(operator, new_key(operator), theirs)
        stage.trust(stage.ours, stage.theirs)
        for version, key in (("1.0.0", stage.ours), ("1.1.0", stage.theirs)):
            publish_signed(operator, version, key)
            assert stage.run(version) == ""
        assert set(operator.markers().values()) == {"1.1.0"}
        assert stage.floors() == ["1.0.0", "1.1.0"]
        return stage

    def trust(self, *keys: SigningKey, threshold: int = 1) -> None:
        """Update the stack."""
        trusted = {"TrustedKeys": ", ".join(key.arn for key in keys), "TrustThreshold": str(threshold)}
        self.operator.parameters = {"AccountsParentId": "r-abcd", **trusted}
        self.operator.deploy()

    def run(self, version: str, **wish: Any) -> str:
        """Distribute; return why it failed, or nothing."""
        run = self.operator.distribute(self.operator.wish(version, **wish))
        if run["AutomationExecutionStatus"] == "Success":
            return ""
        assert run["AutomationExecutionStatus"] == "Failed", why(run)
        return str(run["FailureMessage"])

    def told(self) -> str:
        """Return what the association itself says of its last run."""
        ssm = self.operator.client("ssm")
        described = ssm.describe_association(AssociationId=self.operator.association)["AssociationDescription"]
        return str(described["Overview"].get("DetailedStatus", described["Overview"]["Status"]))

    def floors(self) -> list[str]:
        """Return every floor that was ever remembered."""
        pages = self.operator.client("ssm").get_paginator("get_parameter_history").paginate(Name=FLOOR)
        return [held["Value"] for page in pages for held in page["Parameters"]]

    def picture(self, *, with_versions: bool = True) -> dict[str, Any]:
        """Return what an attack must leave as it is: what nodes have and did, commands, defaults, shares, floors; and the versions made."""
        operator, found = self.operator, {}
        for node in operator.simulation.nodes:
            found[node] = operator.marker(node), operator.diary(node)
        for region in REGIONS:
            for account in (*{LAB, "222222222222"},):
                commands = operator.simulation.client("ssm", account, region).list_commands()["Commands"]
                found[f"commands {account} {region}"] = sorted(command["CommandId"] for command in commands)
            ssm = operator.simulation.client("ssm", operator.account, region)
            for name in (NAME, "csd-other"):
                found[f"{name} {region}"] = _document(ssm, name, with_versions=with_versions)
        return {**found, "floors": self.floors()}


def _document(ssm: Any, name: str, *, with_versions: bool) -> Any:
    try:
        default = ssm.describe_document(Name=name)["Document"]["DocumentVersion"]
    except ClientError:
        return None
    shared = ssm.describe_document_permission(Name=name, PermissionType="Share")["AccountIds"]
    versions = [held["DocumentVersion"] for held in ssm.list_document_versions(Name=name)["DocumentVersions"]]
    return default, sorted(shared), versions if with_versions else ()


@dataclass
class Attacker:
    """Somebody who may write into the bucket."""

    operator: Operator

    def put(self, key: str, body: bytes) -> None:
        """Put an object."""
        self.operator.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def delete(self, key: str) -> None:
        """Delete an object."""
        self.operator.client("s3").delete_object(Bucket=BUCKET, Key=key)

    def get(self, key: str) -> bytes:
        """Read an object."""
        body: bytes = self.operator.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def put_once_a_document_is_made(self, key: str, body: bytes) -> Callable[[], int]:
        """Swap an object in the race: right after the first Region's document, before the other Region copies. Returns a count."""
        simulation, done = self.operator.simulation, []
        admin = Principal("root", HUB, f"arn:aws:iam::{HUB}:root")

        def swap(event: Event) -> None:
            if event.data.get("name") == NAME and not done:
                done.append(key)
                call = ApiCall(admin, REGIONS[0], "s3", "PutObject", {"Bucket": BUCKET, "Key": key, "Body": body})
                simulation.engines.gateway.submit(call, Event("attacker", "swapped", {}))

        simulation.kernel.on("attacker", swap)
        simulation.kernel.subscribe("document.changed", "attacker")
        return lambda: len(done)
