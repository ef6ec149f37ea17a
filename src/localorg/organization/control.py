"""Which control policies govern an account: what is attached to each level from the root down to it.

Flow: rows of policies and attachments -> `levels` for whoever judges calls (identity); `policies`, `units` and `membership` keep the
attachments. Rules: every root, unit and account has at least one policy of each type that is enabled; those of AWS's own are in no row.
Refuses to know: what a policy means.

AWS: Organizations user guide, "SCP evaluation", "RCP evaluation", "Enabling a policy type".
"""

import json
from collections.abc import Iterable

from localorg.organization.records import (
    RESOURCE_CONTROL_POLICY,
    SERVICE_CONTROL_POLICY,
    AttachmentRecord,
    ControlPolicy,
    PolicyRecord,
)
from localorg.organization.tree import Tree

FULL_ACCESS = PolicyRecord(
    "p-FullAWSAccess",
    "FullAWSAccess",
    "Allows access to every operation",
    SERVICE_CONTROL_POLICY,
    json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}, indent=2),
)
"""AWS: Organizations user guide, "Example SCPs": AWS manages it and attaches it to whatever has no other."""

RESOURCE_FULL_ACCESS = PolicyRecord(
    "p-RCPFullAWSAccess",
    "RCPFullAWSAccess",
    "Allows all access to every resource",
    RESOURCE_CONTROL_POLICY,
    json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}, indent=2
    ),
)
DEFAULTS = {policy.policy_type: policy for policy in (FULL_ACCESS, RESOURCE_FULL_ACCESS)}
"""The policy that everything has at first, for each type that is supported."""
AWS_OWNED = {policy.policy_id: policy for policy in DEFAULTS.values()}
"""Policies that AWS made: they are in no row, and nobody changes, deletes or tags them."""


class Control:
    """Attachments of control policies."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[tuple[str, str], tuple[tuple[ControlPolicy, ...], ...]] = {}
        self._known_at = -1

    def levels(self, account: str, kind: str) -> tuple[tuple[ControlPolicy, ...], ...]:
        """Return the policies of the root, of each unit and of the account; nothing where none govern it.

        Every call asks, so the answers are remembered until a row changes.
        """
        tree = self._tree
        tables = (tree.organizations, tree.units, tree.accounts, tree.policies, tree.attachments)
        if (changes := sum(table.changes for table in tables)) != self._known_at:
            self._known, self._known_at = {}, changes
        if (account, kind) not in self._known:
            self._known[account, kind] = self._levels(account, kind)
        return self._known[account, kind]

    def _levels(self, account: str, kind: str) -> tuple[tuple[ControlPolicy, ...], ...]:
        known, found = self._tree.known(), self._tree.accounts.get(account)
        # AWS: Organizations user guide: SCPs do not affect users and roles of the management account, RCPs not its resources.
        if known is None or found is None or account == known.management_account or kind not in known.policy_types:
            return ()
        return tuple(tuple(map(self._control_policy, self.attached(node, kind))) for node in self._tree.levels(account))

    def attached(self, target: str, kind: str) -> list[PolicyRecord]:
        """Return the policies of a type that are attached to a root, unit or account itself."""
        found = (self.policy(row.policy_id) for row in self._tree.attachments.values(target))
        return [policy for policy in found if policy is not None and policy.policy_type == kind]

    def policy(self, policy_id: str) -> PolicyRecord | None:
        """Return a policy, AWS's own included, or None."""
        return AWS_OWNED.get(policy_id) or self._tree.policies.get(policy_id)

    def arn(self, policy: PolicyRecord) -> str:
        """Return the ARN of a policy; AWS's own has no account."""
        kind = f"policy/{policy.policy_type.lower()}"
        if policy.policy_id in AWS_OWNED:
            return f"arn:{self._tree.partition}:organizations::aws:{kind}/{policy.policy_id}"
        return self._tree.arn("policy", f"{policy.policy_type.lower()}/{policy.policy_id}")

    def nodes(self) -> list[str]:
        """Return the ids of the root, of all units and of all accounts."""
        tree = self._tree
        units, accounts = (unit.unit_id for unit in tree.units.values()), (one.account_id for one in tree.accounts.values())
        return [tree.organization().root_id, *units, *accounts]

    def welcome(self, target: str) -> None:
        """Give a root, unit or account the policy that allows everything, of each enabled type of which it has none yet."""
        for kind in self._tree.organization().policy_types:
            if not self.attached(target, kind):
                policy_id = DEFAULTS[kind].policy_id
                self._tree.attachments.put(AttachmentRecord(target, policy_id), target, policy_id)

    def forget(self, target: str, kinds: Iterable[str] = tuple(DEFAULTS)) -> None:
        """Detach everything from a unit that is deleted, or an account that leaves; or the policies of some types only."""
        for policy in [policy for kind in kinds for policy in self.attached(target, kind)]:
            self._tree.attachments.delete(target, policy.policy_id)

    def _control_policy(self, policy: PolicyRecord) -> ControlPolicy:
        return ControlPolicy(policy.policy_id, policy.name, self.arn(policy), policy.content)
