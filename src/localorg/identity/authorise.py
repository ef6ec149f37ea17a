"""The authoriser of the gateway: every call, from the wire or from an engine, is judged here.

Flow: (principal, Region, Access) -> the caller's policies from the rows + the resource's policy + those of the organization + condition
keys -> `decide` -> nothing, or AccessDenied with AWS's sentence.
Rules: a session of a role that was deleted, or deleted and made again, has no policies any more. Control policies of the organization
reach everybody of an account, its root user too; not AWS's services, and not the roles that are theirs (service-linked).
Refuses to know: what the call is about.

AWS: IAM user guide, "Troubleshoot access denied error messages"; Organizations user guide, "Service control policies", "Resource control
policies".
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from localorg.identity.directory import Directory
from localorg.identity.evaluate import IDENTITY, Denial, Policies, Question, decide
from localorg.identity.facts import Facts, Surroundings
from localorg.identity.policy import Policy, parsed
from localorg.identity.records import Holder
from localorg.identity.refusal_words import sentence
from localorg.identity.sources import sources_of
from localorg.kernel.errors import AccessDenied
from localorg.protocol.calls import Access, Principal

ControlPolicies = Callable[[str], tuple[tuple[str, ...], ...]]
"""account -> the control policies that govern it, as JSON texts: of the root, of each unit, and of the account. Nothing where none do."""
SERVICE_LINKED = ":role/aws-service-role/"
UNDER_RESOURCE_CONTROL = ("s3:", "sts:", "kms:", "sqs:", "secretsmanager:")
"""AWS: Organizations user guide, "AWS services that support RCPs"."""
SOMEBODY = frozenset({"user", "role", "federated"})


class Authoriser:
    """Answers `check` for the gateway."""

    def __init__(
        self,
        around: Surroundings,
        service_control: ControlPolicies = lambda _account: (),
        resource_control: ControlPolicies = lambda _account: (),
    ) -> None:
        self.around = around
        self.directory: Directory = around.directory
        self._service_control = service_control
        self._resource_control = resource_control

    def check(self, principal: Principal, region: str, access: Access) -> None:
        """Raise AccessDenied unless `principal` may do `access`."""
        denial = self.denial(principal, region, access)
        if denial:
            raise AccessDenied(
                sentence(principal.arn or "anonymous", access, denial.reason, is_stranger=self._is_stranger(principal, access))
            )

    def _is_stranger(self, principal: Principal, access: Access) -> bool:
        of = self.around.organization_of
        return access.owner not in {"", principal.account} and (not of(access.owner) or of(access.owner) != of(principal.account))

    def denial(self, principal: Principal, region: str, access: Access) -> Denial | None:
        """Return why `principal` may not do `access`, or None when it may."""
        holder = self.holder(principal)
        if principal.kind in SOMEBODY and holder is None:
            # Whoever was deleted holds nothing any more; nor does a resource's policy that names the ARN speak of them, for AWS keeps
            # the unique id in it, which a new user or role of that name does not have.
            return Denial(f"because no {IDENTITY} allows the {access.action} action", IDENTITY)
        facts = Facts(self.around, principal, holder, region, access)
        question = Question(
            principal=principal,
            action=access.action,
            resource=access.resource,
            lookup=facts.get,
            same_account=not access.owner or access.owner == principal.account,
            unique_id=holder.unique_id if holder else "",
        )
        policies = Policies(
            identity=self.identity_policies(principal),
            boundary=self.boundary(holder),
            session=tuple(parsed(text, "session") for text in principal.session_policies),
            resource=_resource_policy(access.resource_policy, access.trust) if access.resource_policy is not None else None,
            trust=access.trust,
            decides=access.policy_decides,
            service_control=self.service_control(principal),
            resource_control=self._resource_control_of(principal, facts.owner, access.action),
        )
        return decide(question, policies)

    def service_control(self, principal: Principal) -> Sequence[Sequence[Policy]]:
        """Return the service control policies that the caller is under, by level."""
        is_root = principal.kind == "root" and principal.arn.endswith(":root")
        if not is_root and (principal.kind not in SOMEBODY or SERVICE_LINKED in principal.role_arn):
            return ()
        return _levels(self._service_control(principal.account), "scp")

    def _resource_control_of(self, principal: Principal, owner: str, action: str) -> Sequence[Sequence[Policy]]:
        if not owner or not action.startswith(UNDER_RESOURCE_CONTROL) or SERVICE_LINKED in principal.role_arn:
            return ()
        return _levels(self._resource_control(owner), "rcp")

    def identity_policies(self, principal: Principal) -> Sequence[Policy]:
        """Return the policies that the principal's own entity holds."""
        holder = self.holder(principal)
        if holder is None:
            return ()
        return [source.policy for source in sources_of(self.directory, holder)]

    def boundary(self, holder: Holder | None) -> Policy | None:
        """Return what bounds a role or user, or None."""
        managed = self.directory.find_policy(holder.boundary) if holder and holder.boundary else None
        return parsed(managed.document, "identity") if managed else None

    def holder(self, principal: Principal) -> Holder | None:
        """Return the user or role behind a principal, or None when there is none (any more)."""
        match principal.kind:
            case "user" | "federated":
                user = self.directory.user_by_arn(principal.user_arn or principal.arn)
                session = self.directory.sessions.get(principal.access_key) if principal.access_key else None
                return None if user and session and session.user_id != user.unique_id else user
            case "role":
                role = self.directory.role_by_arn(principal.role_arn)
                session = self.directory.sessions.get(principal.access_key) if principal.access_key else None
                return None if role and session and session.role_id != role.unique_id else role
            case _:
                return None


@lru_cache(maxsize=1024)
def _levels(texts: tuple[tuple[str, ...], ...], kind: Literal["scp", "rcp"]) -> Sequence[Sequence[Policy]]:
    return tuple(tuple(parsed(text, kind) for text in level) for level in texts)


def _resource_policy(document: Mapping[str, Any], trust: bool) -> Policy:  # noqa: FBT001 - the flag of Access, passed on
    return parsed(json.dumps(document), "trust" if trust else "resource")
