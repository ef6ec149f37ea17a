"""Invitations: how an account that exists outside comes in.

Flow: InviteAccountToOrganization -> an open handshake -> the account accepts (and is in) or declines, the inviter cancels, or 15 days
pass. What is over can be seen for 30 days.
Rules: only the invited account answers, only the management account cancels; one open invitation for one account.

AWS: Organizations user guide, "Managing account invitations"; API reference, Handshake.
"""

from localorg.kernel import ids
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Kernel
from localorg.organization.callers import DENIED
from localorg.organization.membership import DAY_S, Membership
from localorg.organization.pages import paged
from localorg.organization.records import HandshakeRecord, OutsiderRecord
from localorg.organization.refusals import invalid, not_found
from localorg.organization.tagging import checked_tags
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request

LIFE_S = 15 * DAY_S
SEEN_S = 30 * DAY_S
OPEN, ACCEPTED, DECLINED, CANCELED, EXPIRED = "OPEN", "ACCEPTED", "DECLINED", "CANCELED", "EXPIRED"


class Handshakes:
    """Keeps invitations."""

    def __init__(self, kernel: Kernel, tree: Tree, membership: Membership) -> None:
        self._kernel = kernel
        self._tree = tree
        self._membership = membership

    def invite(self, request: Request) -> Output:
        """InviteAccountToOrganization."""
        target, tags = request.params["Target"], checked_tags(request.params.get("Tags", ()))
        outsider = self._invited(target)
        if any(one.account_id == outsider.account_id and self._state(one) == OPEN for one in self._tree.handshakes.values()):
            raise AwsError("DuplicateHandshakeException", "A handshake with the same action and target already exists.")
        handshake = HandshakeRecord(
            f"h-{ids.hexadecimal(self._kernel.dice, 32)}",
            outsider.account_id,
            target["Id"],
            target["Type"],
            OPEN,
            request.now,
            request.now + LIFE_S,
            request.params.get("Notes", ""),
            tags,
        )
        self._tree.handshakes.put(handshake, handshake.handshake_id)
        return {"Handshake": self._shape(handshake)}

    def _invited(self, target: dict[str, str]) -> OutsiderRecord:
        wanted, kind = target["Id"], target["Type"]
        if kind not in ("ACCOUNT", "EMAIL"):
            raise invalid("INVALID_PARTY_TYPE_TARGET", "You specified the wrong type of entity as the target of the handshake.")
        if kind == "ACCOUNT" and not (wanted.isdecimal() and len(wanted) == 12):
            raise invalid("INVALID_PATTERN_TARGET_ID", "The id of the target must be an account id of 12 digits.")

        def fits(account_id: str, email: str) -> bool:
            return wanted == account_id if kind == "ACCOUNT" else wanted.lower() == email.lower()

        if any(fits(one.account_id, one.email) for one in self._tree.accounts.values()):
            raise _violation("ALREADY_IN_AN_ORGANIZATION", "The invited account is already a member of an organization.")
        found = [one for one in self._tree.outsiders.values() if fits(one.account_id, one.email)]
        if not found:
            # DEVIATES: AWS invites an email address that has no account yet; here only accounts that exist can be invited.
            raise invalid("INVALID_EMAIL_ADDRESS_TARGET", f"No account outside the organization has the {kind.lower()} {wanted}.")
        return found[0]

    def accept(self, request: Request) -> Output:
        """AcceptHandshake: the account is in, under the root."""
        handshake = self._received(request)
        self._end(handshake, ACCEPTED, request.now)
        root = self._tree.organization().root_id
        self._membership.join(handshake.account_id, root, handshake.tags)
        return {"Handshake": self._shape(handshake)}

    def decline(self, request: Request) -> Output:
        """DeclineHandshake, by the invited account."""
        handshake = self._received(request)
        self._end(handshake, DECLINED, request.now)
        return {"Handshake": self._shape(handshake)}

    def cancel(self, request: Request) -> Output:
        """CancelHandshake, by the management account."""
        handshake = self._handshake(request)
        if request.account != self._tree.organization().management_account:
            raise AccessDenied(DENIED)
        self._end(handshake, CANCELED, request.now)
        return {"Handshake": self._shape(handshake)}

    def describe(self, request: Request) -> Output:
        """DescribeHandshake, by either party."""
        handshake = self._handshake(request)
        if request.account not in (handshake.account_id, self._tree.organization().management_account):
            raise AccessDenied(DENIED)
        return {"Handshake": self._shape(handshake)}

    def list_for_account(self, request: Request) -> Output:
        """ListHandshakesForAccount: what the caller's account has received."""
        return self._listed(request, [one for one in self._seen() if one.account_id == request.account])

    def list_for_organization(self, request: Request) -> Output:
        """ListHandshakesForOrganization: what the organization has sent."""
        return self._listed(request, self._seen())

    def _listed(self, request: Request, rows: list[HandshakeRecord]) -> Output:
        wanted = request.params.get("Filter", {})
        if len(wanted) > 1:
            raise invalid("MAX_LIMIT_EXCEEDED_FILTER", "You can specify only one filter parameter for the operation.")
        if "ParentHandshakeId" in wanted or wanted.get("ActionType", "INVITE") != "INVITE":
            rows = []  # invitations have no parent, and there are no other handshakes
        return paged(request, rows, lambda one: one.handshake_id, "Handshakes", self._shape)

    def enable_all_features(self, _request: Request) -> Output:
        """EnableAllFeatures: there is nothing to enable."""
        raise _violation("ORGANIZATION_ALREADY_HAS_ALL_FEATURES", "The organization has already enabled all features.")

    def _seen(self) -> list[HandshakeRecord]:
        now = self._kernel.now()
        return [one for one in self._tree.handshakes.values() if now < (one.ended or one.expires) + SEEN_S]

    def _state(self, handshake: HandshakeRecord) -> str:
        is_over = handshake.state == OPEN and self._kernel.now() >= handshake.expires
        return EXPIRED if is_over else handshake.state

    def _handshake(self, request: Request) -> HandshakeRecord:
        found = self._tree.handshakes.get(request.params["HandshakeId"])
        if found is None or found not in self._seen():
            raise not_found("HandshakeNotFound", "handshake")
        return found

    def _received(self, request: Request) -> HandshakeRecord:
        handshake = self._handshake(request)
        if handshake.account_id != request.account:
            raise AccessDenied(DENIED)
        return handshake

    def _end(self, handshake: HandshakeRecord, state: str, now: float) -> None:
        before = self._state(handshake)
        if before == state:
            raise AwsError("HandshakeAlreadyInStateException", f"The specified handshake is already {state}.")
        if before != OPEN:
            what = f"You can't change a handshake from {before} to {state}."
            raise AwsError("InvalidHandshakeTransitionException", what)
        handshake.state, handshake.ended = state, now
        self._tree.handshakes.put(handshake, handshake.handshake_id)

    def _shape(self, handshake: HandshakeRecord) -> Output:
        organization = self._tree.organization()
        master = self._tree.account(organization.management_account)
        about = [
            {"Type": "MASTER_EMAIL", "Value": master.email},
            {"Type": "MASTER_NAME", "Value": master.name},
            {"Type": "ORGANIZATION_FEATURE_SET", "Value": "ALL"},
        ]
        resources: list[Output] = [
            {"Type": "ORGANIZATION", "Value": organization.organization_id, "Resources": about},
            {"Type": handshake.target_type, "Value": handshake.target},
        ]
        if handshake.notes:
            resources.append({"Type": "NOTES", "Value": handshake.notes})
        return {
            "Id": handshake.handshake_id,
            "Arn": self._tree.arn("handshake", f"invite/{handshake.handshake_id}"),
            "Parties": [
                {"Id": organization.organization_id, "Type": "ORGANIZATION"},
                {"Id": handshake.target, "Type": handshake.target_type},
            ],
            "State": self._state(handshake),
            "RequestedTimestamp": handshake.requested,
            "ExpirationTimestamp": handshake.expires,
            "Action": "INVITE",
            "Resources": resources,
        }


def _violation(reason: str, message: str) -> AwsError:
    return AwsError("HandshakeConstraintViolationException", message, Reason=reason)
