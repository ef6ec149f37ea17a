"""What the operator may ask a running server (`localorg env|nodes|status|exec`), and where nodes fetch their credentials."""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall
from localorg.server.account_door import AccountDoor
from localorg.server.control import Refused
from localorg.server.doors import Addresses
from localorg.server.engines import Engines
from localorg.server.machines import Machines
from localorg.server.personas import PERSONAS
from localorg.server.seeding import NODE_ROLE, NodeRecord
from localorg.server.spec import Spec


@dataclass(frozen=True)
class Operator:
    """Answers to control routes. Bad questions raise Refused with the next step."""

    engines: Engines
    records: list[NodeRecord]
    machines: Machines
    spec: Spec
    addresses: Addresses

    def answers(self) -> dict[str, Callable[[dict[str, str]], dict[str, Any]]]:
        """Return every question the operator may ask, by name."""
        accounts = AccountDoor(self.engines).answers()
        return {"env": self.env, "nodes": self.nodes, "pids": self.pids, "status": self.status, **accounts}

    def env(self, query: dict[str, str]) -> dict[str, Any]:
        """Return the environment variables of an account's administrator."""
        account = query.get("account", self.spec.organization.management.id)
        region = query.get("region", self.spec.regions[0])
        known = [*self.engines.organization.accounts(), *self.engines.organization.outsiders()]
        if account not in known:
            raise Refused(404, f"{account} is no account of this organization; there are {', '.join(known)}")
        if region not in self.spec.regions:
            raise Refused(404, f"{region} is not a Region of this organization; there are {', '.join(self.spec.regions)}")
        key = self.engines.identity.bootstrap_account(account)
        return {
            "variables": {
                "AWS_ENDPOINT_URL": self.addresses.endpoint,
                "AWS_ACCESS_KEY_ID": key.id,
                "AWS_SECRET_ACCESS_KEY": key.secret,
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                "LOCALORG_TLS_ENDPOINT": self.addresses.tls_endpoint,
                "LOCALORG_CA_FILE": str(self.addresses.authority),
            }
        }

    def nodes(self, _query: dict[str, str]) -> dict[str, Any]:
        """Return every node with its ping status, as its own account's administrator would see it."""
        return {"nodes": [self._node(record) for record in self.records]}

    def _node(self, record: NodeRecord) -> dict[str, str]:
        return {
            "instance_id": record.instance_id,
            "account": record.account,
            "region": record.region,
            "name": record.name,
            "platform": PERSONAS[record.persona].platform_name.replace(" ", "-")
            + "-"
            + PERSONAS[record.persona].platform_version,
            "ping": self._ping(record),
        }

    def _ping(self, record: NodeRecord) -> str:
        identity = self.engines.identity
        found = identity.sessions.find(identity.bootstrap_account(record.account).id)
        if found is None:
            raise Refused(500, f"{record.account} has lost its administrator's key; this is a defect of localorg")
        administrator = found[3]
        params = {"Filters": [{"Key": "InstanceIds", "Values": [record.instance_id]}]}
        call = ApiCall(administrator, record.region, "ssm", "DescribeInstanceInformation", params)
        try:
            listed = self.engines.gateway.invoke(call)["InstanceInformationList"]
        except AwsError as refusal:
            if refusal.code != "InvalidInstanceId":
                raise
            return "NotRegistered"  # a hybrid node before its first word, or one that was deregistered
        return str(listed[0]["PingStatus"]) if listed else "Unknown"

    def pids(self, query: dict[str, str]) -> dict[str, Any]:
        """Return the process ids of nodes' first processes: of those named, with commas between them, or of `all`."""
        known = [record.instance_id for record in self.records]
        asked = query.get("instance_ids", "")
        return {"pids": {node: self._pid(node, known) for node in (known if asked == "all" else asked.split(","))}}

    def _pid(self, wanted: str, known: list[str]) -> int:
        if wanted not in known:
            raise Refused(404, f"{wanted} is no node of this organization; `localorg nodes` lists them")
        pid = self.machines.pids.get(wanted)
        if pid is None:
            raise Refused(409, f"{wanted} is not up: {self.machines.died.get(wanted) or 'it has not started'}")
        return pid

    def status(self, _query: dict[str, str]) -> dict[str, Any]:
        """Return what is up."""
        faults = self.engines.kernel.faults
        return {
            "endpoint": self.addresses.endpoint,
            "tls endpoint": self.addresses.tls_endpoint,
            "certificate authority": str(self.addresses.authority),
            "process": os.getpid(),
            "organization": self.spec.organization.id,
            "accounts": len(self.engines.organization.accounts()),
            "regions": ", ".join(self.spec.regions),
            "nodes": f"{len(self.machines.pids)} of {len(self.records)} machines up",
            "calls": len(self.engines.gateway.log),
            "defects": f"{len(faults)}, see server.log" if faults else "none",
        }

    def node_credentials(self, instance_id: str, secret: str) -> dict[str, Any]:
        """Return a node's credentials as the instance metadata service would. AWS: EC2 user guide, "Instance metadata"."""
        record = next((r for r in self.records if r.instance_id == instance_id), None)
        if record is None or not hmac.compare_digest(record.secret.encode(), secret.encode()):
            raise Refused(403, "this is not the secret of that node")
        try:
            session = self.engines.identity.node_session(record.account, NODE_ROLE, instance_id, record.region)
        except AwsError as refusal:
            raise Refused(403, f"{refusal.code}: {refusal.message}") from refusal
        return {
            "Code": "Success",
            "AccessKeyId": session["AccessKeyId"],
            "SecretAccessKey": session["SecretAccessKey"],
            "Token": session["SessionToken"],
            "Expiration": datetime.fromtimestamp(session["Expiration"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
