"""The tale of the walk: each stage runs real commands, checks what came of it, and says so. A check that fails ends the tale.

Flow: up -> build -> deploy -> publish -> associate -> look at hub, member and nodes -> second version -> a node that fails -> in-place
update -> uninstall. `say` hears every line, so that the same tale is printed by the demo and read by its test.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from demo.association import AssociationCall
from demo.shell import Outcome, Shell
from demo.walk import BUCKET, HUB, MARKER, REGIONS, UNITS, Walk
from demo.watch import ADD, DISTRIBUTE, association_run, client, executions, newest

PREFIX = "csd-hello"
TARGETED = {"222222222222", "333333333333", "444444444444", "666666666666"}
DELIVERY_TIMEOUT_S = 30
"""AWS: SendCommand's least TimeoutSeconds. It is how long the node that is switched off may hold the run up."""
ALL_ONLINE = ("us-east-1", "ap-southeast-2")
"""The Regions in which every targeted node answers; later stages use these and need not wait for the one that does not."""


class TaleBroken(Exception):
    """Something was not as the tale says."""


@dataclass
class Tale:
    """One telling. `nodes` are the rows of `localorg nodes`."""

    walk: Walk
    say: Callable[[str], None]
    nodes: list[dict[str, str]] = field(default_factory=list)
    association: str = ""
    runs: int = 0
    role_arn: str = ""

    def tell(self) -> None:
        """Walk from the first step to the last."""
        self.start()
        self.publish("1.0.0")
        self.first_rollout()
        self.second_version()
        self.a_node_fails()
        self.in_place()
        self.uninstall()

    def start(self) -> None:
        """An organization, and the solution in its hub."""
        self._heading("An AWS Organization starts on this machine")
        self._echo(self.walk.up(), err=True)
        self.nodes = self.walk.nodes()
        accounts = {node["account"] for node in self.nodes}
        platforms = sorted({node["platform"] for node in self.nodes})
        self.say(f"{len(self.nodes)} nodes in {len(accounts)} accounts: {', '.join(platforms)}")
        self._heading("The solution is deployed from the hub: one stack, and a StackSet that follows the organization")
        self._echo(self.walk.shell.run("csd", "deploy", "--targets", ",".join(UNITS)))
        self.role_arn = f"arn:aws:iam::{HUB}:role/CSD-SystemsManager-AutomationAdministrationRole"
        self._check_roles()

    def _check_roles(self) -> None:
        reached = [account for account in sorted({n["account"] for n in self.nodes}) if self._has_role(account)]
        self._check(set(reached) == TARGETED, f"the execution role is in {', '.join(reached)}")

    def _has_role(self, account: str) -> bool:
        iam = client(self.walk, "iam", account)
        try:
            iam.get_role(RoleName="CSD-SystemsManager-AutomationExecutionRole")
        except iam.exceptions.NoSuchEntityException:
            return False
        return True

    def publish(self, version: str) -> None:
        """A folder of installers becomes a package in S3."""
        self._heading(f"A folder of installers becomes package csd-hello {version}")
        folder = self.walk.build(version)
        self.say("  " + ", ".join(sorted(path.name for path in folder.iterdir())))
        self.walk.shell.run("csd", "publish", str(folder), "--bucket", BUCKET, "--prefix", PREFIX)

    def call(self, version: str, regions: tuple[str, ...] = ALL_ONLINE, **changes: Any) -> AssociationCall:
        """Return the article's call for a version."""
        filled = AssociationCall(
            target_accounts=UNITS,
            target_regions=regions,
            package="csd-hello",
            version=version,
            role_arn=self.role_arn,
            bucket=BUCKET,
            prefix=PREFIX,
            arguments={"SSM_GREETING": "hello from the hub"},
            extra={"deliveryTimeoutSeconds": str(DELIVERY_TIMEOUT_S)},
        )
        return AssociationCall(**{**filled.__dict__, **changes})

    def first_rollout(self) -> None:
        """Every targeted node gets the package; the one that is switched off is reported."""
        self._heading("The association of the article starts the roll-out")
        self.association = self.walk.associate(self.call("1.0.0", REGIONS))
        self._ended("Success")
        self._show_hub()
        self._show_member()
        self._check_nodes("1.0.0", REGIONS)
        status = self._status()
        off = next(node for node in self.nodes if node["ping"] != "Online")
        self._check(status.code != 0, f"csd status ends with exit code {status.code}, for {off['name']} is switched off")

    def _show_hub(self) -> None:
        self.say("In the hub:")
        for execution in reversed(executions(self.walk)):
            self.say(f"  {execution['DocumentName']:<38} {execution['AutomationExecutionStatus']}")
        for step in newest(self.walk, DISTRIBUTE)["StepExecutions"]:
            self.say(f"    {step['StepName']:<36} {step['StepStatus']}")

    def _show_member(self) -> None:
        account, region = "333333333333", "us-east-1"
        command = self.walk.aws("ssm", "list-commands", account=account, region=region)["Commands"][0]
        node = next(n for n in self.nodes if (n["account"], n["region"]) == (account, region))
        told = self.walk.aws(
            *("ssm", "get-command-invocation", "--command-id", command["CommandId"], "--instance-id", node["instance_id"]),
            *("--plugin-name", "configurePackage"),
            account=account,
            region=region,
        )
        self.say(f"In member {account}, {region}, on {node['name']}:")
        for line in told["StandardOutputContent"].strip().splitlines():
            self.say(f"  {line}")
        self._check(told["Status"] == "Success", "its command ended Success")

    def _check_nodes(self, version: str, regions: tuple[str, ...]) -> None:
        wanted = [n for n in self.nodes if n["account"] in TARGETED and n["region"] in regions and n["ping"] == "Online"]
        others = [n for n in self.nodes if n["account"] not in TARGETED or n["ping"] != "Online"]
        having = [found for found in self._standing(wanted).values() if found == version]
        self._check(len(having) == len(wanted), f"{len(having)} of {len(wanted)} targeted nodes have csd-hello {version}")
        clean = len(others) - len(self._standing(others))
        self._check(clean == len(others), f"{clean} other nodes have nothing")
        self._check(not Path(MARKER).exists(), "this machine has nothing either")

    def _standing(self, nodes: list[dict[str, str]]) -> dict[str, str]:
        """Return the versions that stand on these nodes themselves, by node; a node that has none is not among them."""
        said = self._quietly(nodes, "sh", "-c", f"test ! -e {MARKER} || cat {MARKER}")
        if said.code != 0:
            raise TaleBroken(f"the nodes could not be looked at: {said.err}")
        return dict(line.split(": ", 1) for line in said.out.splitlines())

    def _quietly(self, nodes: list[dict[str, str]], *command: str) -> Outcome:
        quiet = replace(self.walk, shell=Shell(self.walk.shell.environment))
        return quiet.inside(",".join(node["instance_id"] for node in nodes), *command)

    def second_version(self) -> None:
        """Upload, update the association: that is all."""
        self.publish("1.1.0")
        self._heading("The association is updated to 1.1.0")
        self.walk.reassociate(self.association, self.call("1.1.0"))
        self._ended("Success")
        self._check_nodes("1.1.0", ALL_ONLINE)

    def victim(self) -> dict[str, str]:
        """Return the node that is made to fail: the first of shop-prod."""
        return next(node for node in self.nodes if node["account"] == "222222222222" and node["region"] == "us-east-1")

    def a_node_fails(self) -> None:
        """One node's own words come up to the run, the association and `csd status`."""
        self.publish("1.2.0")
        victim, token = self.victim(), secrets.token_hex(8)
        self._heading(f"{victim['name']} is made to fail; it says {token}")
        self._quietly([victim], "sh", "-c", f"echo disk is full, says {token} >/etc/csd-hello-fail")
        self.walk.reassociate(self.association, self.call("1.2.0"))
        run = self._ended("Failed")
        self._check(token in json.dumps(newest(self.walk, ADD), default=str), "the run in the hub shows the node's words")
        self._check(token in json.dumps(run, default=str), "so does the association")
        status = self._status()
        self._check(
            status.code != 0 and token in status.out and victim["instance_id"] in status.out, "and csd status names the node"
        )

    def in_place(self) -> None:
        """The node is mended; an in-place update keeps the application available."""
        self._quietly([self.victim()], "rm", "/etc/csd-hello-fail")
        self.publish("1.3.0")
        self._heading("The node is mended, and 1.3.0 comes as an in-place update")
        self.walk.reassociate(self.association, self.call("1.3.0", installation_type="In-place update"))
        self._ended("Success")
        self._check_nodes("1.3.0", ALL_ONLINE)
        status = self.walk.shell.run("csd", "status", expect=None)
        self._check(status.code == 0, "csd status ends with exit code 0: every targeted node is as wanted")

    def uninstall(self) -> None:
        """And off again, everywhere."""
        self._heading("Uninstall")
        self.walk.reassociate(self.association, self.call("", REGIONS, action="Uninstall"))
        self._ended("Success")
        self._check(not self._standing(self.nodes), "no node has csd-hello any more")

    def _ended(self, status: str) -> dict[str, Any]:
        run = association_run(self.walk, self.association, self.runs)
        self.runs += 1
        self._check(run["Status"] == status, f"the association's run ended {run['Status']}")
        return run

    def _status(self) -> Outcome:
        """Run `csd status`; what is as wanted is told as a number, what is not in full."""
        status = self.walk.shell.run("csd", "status", expect=None)
        lines = status.out.rstrip().splitlines()
        wanted = [line for line in lines if "  as wanted  " in line]
        for line in lines:
            if line not in wanted:
                self.say(f"  {line}".rstrip())
            elif line == wanted[0]:
                self.say(f"  … {len(wanted)} nodes as wanted …")
        return status

    def _heading(self, text: str) -> None:
        self.say("")
        self.say(f"== {text}")

    def _echo(self, outcome: Outcome, *, err: bool = False) -> None:
        for line in (outcome.err if err else outcome.out).rstrip().splitlines():
            self.say(f"  {line}".rstrip())

    def _check(self, holds: bool, sentence: str) -> None:  # noqa: FBT001 - reads as a sentence where it is called
        if not holds:
            raise TaleBroken(f"this should hold, and does not: {sentence}")
        self.say(f"  ✓ {sentence}")
