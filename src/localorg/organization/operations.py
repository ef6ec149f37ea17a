"""Every operation of Organizations that is answered here: who may call it, on what, and who answers.

AWS: Organizations API reference (who may call), Service Authorization Reference (on what).
"""

from collections.abc import Callable
from dataclasses import dataclass

from localorg.organization.access import Rule, Rules
from localorg.organization.callers import Callers, Door
from localorg.organization.creating import Creating
from localorg.organization.delegating import Delegating
from localorg.organization.handshakes import Handshakes
from localorg.organization.membership import Membership
from localorg.organization.policies import Policies
from localorg.organization.reading import Reading
from localorg.organization.resource_policy import ResourcePolicies
from localorg.organization.tagging import TagKeeping
from localorg.organization.units import Units
from localorg.organization.whole import Whole
from localorg.protocol.calls import Operation, Output, Request

Handler = Callable[[Request], Output]
Row = tuple[str, Callers, Handler, Rule]


@dataclass(frozen=True)
class Operations:
    """The parts of the engine that answer."""

    whole: Whole
    reading: Reading
    units: Units
    creating: Creating
    membership: Membership
    handshakes: Handshakes
    delegating: Delegating
    policies: Policies
    resource_policies: ResourcePolicies
    tags: TagKeeping
    rules: Rules
    door: Door

    def all(self) -> list[Operation]:
        """Return every operation."""
        parts = (self._tree(), self._accounts(), self._invitations(), self._delegation(), self._policies(), self._tags())
        return [self._operation(row) for part in parts for row in part]

    def _operation(self, row: Row) -> Operation:
        name, callers, handler, rule = row

        def handle(request: Request) -> Output:
            self.door.admit(callers, request, rule(request))
            return handler(request)

        return Operation("organizations", name, handle, rule)

    def _tree(self) -> list[Row]:
        reading, units, on = self.reading, self.units, self.rules.on
        return [
            ("ListRoots", Callers.READER, reading.list_roots, on()),
            ("ListAccounts", Callers.READER, reading.list_accounts, on()),
            ("DescribeAccount", Callers.READER, reading.describe_account, on("AccountId")),
            ("ListAccountsForParent", Callers.READER, reading.list_accounts_for_parent, on("ParentId")),
            ("ListOrganizationalUnitsForParent", Callers.READER, reading.list_units_for_parent, on("ParentId")),
            ("ListChildren", Callers.READER, reading.list_children, on("ParentId")),
            ("ListParents", Callers.READER, reading.list_parents, on("ChildId")),
            ("DescribeOrganizationalUnit", Callers.READER, reading.describe_unit, on("OrganizationalUnitId")),
            ("CreateOrganizationalUnit", Callers.MANAGEMENT, units.create, on("ParentId")),
            ("UpdateOrganizationalUnit", Callers.MANAGEMENT, units.rename, on("OrganizationalUnitId")),
            ("DeleteOrganizationalUnit", Callers.MANAGEMENT, units.delete, on("OrganizationalUnitId")),
        ]

    def _accounts(self) -> list[Row]:
        whole, creating, members, on = self.whole, self.creating, self.membership, self.rules.on
        return [
            ("DescribeOrganization", Callers.MEMBER, whole.describe, on()),
            ("CreateOrganization", Callers.ANYONE, whole.create, on()),
            ("DeleteOrganization", Callers.MANAGEMENT, whole.delete, on()),
            ("CreateAccount", Callers.MANAGEMENT, creating.create, on()),
            ("DescribeCreateAccountStatus", Callers.READER, creating.describe, on()),
            ("ListCreateAccountStatus", Callers.READER, creating.list_all, on()),
            ("MoveAccount", Callers.MANAGEMENT, members.move, on("AccountId", "SourceParentId", "DestinationParentId")),
            ("CloseAccount", Callers.MANAGEMENT, members.close, on("AccountId")),
            ("RemoveAccountFromOrganization", Callers.MANAGEMENT, members.remove, on("AccountId")),
            ("LeaveOrganization", Callers.MEMBER, members.leave, on()),
        ]

    def _invitations(self) -> list[Row]:
        handshakes, on = self.handshakes, self.rules.on
        return [
            ("InviteAccountToOrganization", Callers.MANAGEMENT, handshakes.invite, self.rules.on_invited),
            ("AcceptHandshake", Callers.ANYONE, handshakes.accept, on("HandshakeId")),
            ("DeclineHandshake", Callers.ANYONE, handshakes.decline, on("HandshakeId")),
            ("CancelHandshake", Callers.ANYONE, handshakes.cancel, on("HandshakeId")),
            ("DescribeHandshake", Callers.ANYONE, handshakes.describe, on("HandshakeId")),
            ("ListHandshakesForAccount", Callers.ANYONE, handshakes.list_for_account, on()),
            ("ListHandshakesForOrganization", Callers.READER, handshakes.list_for_organization, on()),
            ("EnableAllFeatures", Callers.MANAGEMENT, handshakes.enable_all_features, on()),
        ]

    def _delegation(self) -> list[Row]:
        delegating, resource_policies, on = self.delegating, self.resource_policies, self.rules.on
        return [
            ("EnableAWSServiceAccess", Callers.MANAGEMENT, delegating.enable_service, on()),
            ("DisableAWSServiceAccess", Callers.MANAGEMENT, delegating.disable_service, on()),
            ("ListAWSServiceAccessForOrganization", Callers.READER, delegating.list_services, on()),
            ("RegisterDelegatedAdministrator", Callers.MANAGEMENT, delegating.register, on("AccountId")),
            ("DeregisterDelegatedAdministrator", Callers.MANAGEMENT, delegating.deregister, on("AccountId")),
            ("ListDelegatedAdministrators", Callers.READER, delegating.list_administrators, on()),
            ("ListDelegatedServicesForAccount", Callers.READER, delegating.list_services_of, on("AccountId")),
            ("PutResourcePolicy", Callers.MANAGEMENT, resource_policies.put, on()),
            ("DescribeResourcePolicy", Callers.READER, resource_policies.describe, on()),
            ("DeleteResourcePolicy", Callers.MANAGEMENT, resource_policies.delete, self.rules.on_resource_policy),
        ]

    def _policies(self) -> list[Row]:
        policies, on = self.policies, self.rules.on
        return [
            ("EnablePolicyType", Callers.DELEGATE, policies.enable_type, on("RootId")),
            ("DisablePolicyType", Callers.DELEGATE, policies.disable_type, on("RootId")),
            ("CreatePolicy", Callers.DELEGATE, policies.create, on()),
            ("UpdatePolicy", Callers.DELEGATE, policies.update, on("PolicyId")),
            ("DeletePolicy", Callers.DELEGATE, policies.delete, on("PolicyId")),
            ("DescribePolicy", Callers.READER, policies.describe, on("PolicyId")),
            ("ListPolicies", Callers.READER, policies.list_all, on()),
            ("ListPoliciesForTarget", Callers.READER, policies.list_for_target, on("TargetId")),
            ("ListTargetsForPolicy", Callers.READER, policies.list_targets, on("PolicyId")),
            ("AttachPolicy", Callers.DELEGATE, policies.attach, on("PolicyId", "TargetId")),
            ("DetachPolicy", Callers.DELEGATE, policies.detach, on("PolicyId", "TargetId")),
        ]

    def _tags(self) -> list[Row]:
        tags, on = self.tags, self.rules.on
        return [
            ("ListTagsForResource", Callers.READER, tags.list_tags, on("ResourceId")),
            ("TagResource", Callers.DELEGATE, tags.tag, on("ResourceId")),
            ("UntagResource", Callers.DELEGATE, tags.untag, on("ResourceId")),
        ]
