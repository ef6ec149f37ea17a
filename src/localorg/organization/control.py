"""Which service control policies govern an account: what is attached to each level from the root down to it.

Flow: rows of policies and attachments -> `levels` for whoever judges calls (identity); `policies` and `changing` keep the attachments.
Rules: every root, unit and account has at least one policy while the type is enabled; FullAWSAccess is AWS's own and in no row.
Refuses to know: what a policy means.

AWS: Organizations user guide, "SCP evaluation", "Enabling a policy type".
"""

import json

from localorg.organization.records import SERVICE_CONTROL_POLICY, AttachmentRecord, ControlPolicy, PolicyRecord
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
    "RESOURCE_CONTROL_POLICY",
    json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}, indent=2
    ),
)
AWS_OWNED = {policy.policy_id: policy for policy in (FULL_ACCESS, RESOURCE_FULL_ACCESS)}
"""Policies that AWS made: they are in no row, and nobody changes, deletes or tags them."""


class Control:
    """Attachments of service control policies."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def levels(self, account: str) -> tuple[tuple[ControlPolicy, ...], ...]:
        """Return the policies of the root, of each unit and of the account; nothing where none govern it."""
        known, found = self._tree.known(), self._tree.accounts.get(account)
        # AWS: Organizations user guide, "Service control policies": they do not affect the management account.
        if known is None or found is None or account == known.management_account or not self.is_enabled():
            return ()
        return tuple(tuple(map(self._control_policy, self.attached(node))) for node in self._tree.levels(account))

    def is_enabled(self) -> bool:
        """Say whether service control policies are enabled in the root."""
        return SERVICE_CONTROL_POLICY in self._tree.organization().policy_types

    def attached(self, target: str) -> list[PolicyRecord]:
        """Return the policies attached to a root, unit or account itself."""
        found = (self.policy(row.policy_id) for row in self._tree.attachments.values(target))
        return [policy for policy in found if policy is not None]

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
        """Give a root, unit or account that has no policy yet the one that allows everything."""
        if self.is_enabled() and not self._tree.attachments.values(target):
            self._tree.attachments.put(AttachmentRecord(target, FULL_ACCESS.policy_id), target, FULL_ACCESS.policy_id)

    def forget(self, target: str) -> None:
        """Detach everything from a unit that is deleted, or an account that leaves."""
        for row in self._tree.attachments.values(target):
            self._tree.attachments.delete(target, row.policy_id)

    def _control_policy(self, policy: PolicyRecord) -> ControlPolicy:
        return ControlPolicy(policy.policy_id, policy.name, self.arn(policy), policy.content)
