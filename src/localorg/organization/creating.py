"""CreateAccount and what becomes of it.

Flow: CreateAccount -> a request in progress -> an alarm -> the account under the root, or the reason why not -> "account-created" with
the name of the role that the management account gets into it; whoever keeps identities makes the role.

AWS: Organizations API reference, CreateAccount; Organizations user guide, "Creating a member account".
"""

from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.organization.control import Control
from localorg.organization.pages import paged
from localorg.organization.publishing import publish
from localorg.organization.records import ACTIVE, AccountRecord, CreationRecord
from localorg.organization.refusals import constraint
from localorg.organization.tagging import checked_tags
from localorg.organization.tree import Tree
from localorg.protocol.calls import Output, Request

ENGINE = "organization"
CREATION_S = 2.0
"""How long an account takes to be made. # ASSUMED: AWS takes minutes; a short time shows IN_PROGRESS as well."""
AT_ONCE_MAX = 5
"""AWS: Organizations quotas, member accounts that can be created concurrently."""


class Creating:
    """Makes accounts.

    DEVIATES: how many accounts an organization may have is AWS's to grant (10 at first); no number is enforced here.
    """

    def __init__(self, kernel: Kernel, tree: Tree, control: Control) -> None:
        self._kernel = kernel
        self._tree = tree
        self._control = control

    def create(self, request: Request) -> Output:
        """CreateAccount: the answer is a request id; the account comes later, or the reason why not."""
        params = request.params
        if sum(one.state == "IN_PROGRESS" for one in self._tree.creations.values()) >= AT_ONCE_MAX:
            raise constraint(
                "ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED",
                "You have exceeded the number of accounts that can be in progress at a time. Try again later.",
            )
        request_id = f"car-{ids.hexadecimal(self._kernel.dice, 32)}"
        record = CreationRecord(
            request_id,
            params["AccountName"],
            params["Email"],
            "IN_PROGRESS",
            request.now,
            checked_tags(params.get("Tags", ())),
            role_name=params.get("RoleName", CreationRecord.role_name),
            billing_access=params.get("IamUserAccessToBilling", CreationRecord.billing_access),
        )
        self._tree.creations.put(record, request_id)
        self._kernel.after(CREATION_S, Event(ENGINE, "create", {"request_id": request_id}))
        return {"CreateAccountStatus": _shape(record)}

    def finish(self, request_id: str) -> None:
        """Let the account of a request exist, or the request fail."""
        record = self._tree.creations.get(request_id)
        if record is None or record.state != "IN_PROGRESS":
            return
        record.completed = self._kernel.now()
        if self._tree.is_email_taken(record.email):
            record.state, record.failure = "FAILED", "EMAIL_ALREADY_EXISTS"
            self._tree.creations.put(record, request_id)
            return
        record.state, record.account_id = "SUCCEEDED", self._fresh_account_id()
        self._tree.creations.put(record, request_id)
        root = self._tree.organization().root_id
        account = AccountRecord(
            record.account_id,
            record.account_name,
            record.email,
            ACTIVE,
            root,
            record.completed,
            tags=record.tags,
            created=record.completed,
            # Who may see bills in the new account. There are no bills here, and no operation tells the switch.
            billing_access=record.billing_access,
        )
        self._tree.accounts.put(account, account.account_id)
        self._control.welcome(account.account_id)
        publish(self._kernel, "account-created", account=account.account_id, parent=root, role=record.role_name)

    def describe(self, request: Request) -> Output:
        """DescribeCreateAccountStatus."""
        found = self._tree.creations.get(request.params["CreateAccountRequestId"])
        if found is None:
            raise AwsError(
                "CreateAccountStatusNotFoundException", "We can't find a create account request with the id that you specified."
            )
        return {"CreateAccountStatus": _shape(found)}

    def list_all(self, request: Request) -> Output:
        """ListCreateAccountStatus, of some states or of all."""
        wanted = request.params.get("States")
        rows = [one for one in self._tree.creations.values() if not wanted or one.state in wanted]
        return paged(request, rows, lambda one: one.request_id, "CreateAccountStatuses", _shape)

    def _fresh_account_id(self) -> str:
        chosen = str(self._kernel.dice.randrange(10**11, 10**12))
        return self._fresh_account_id() if self._tree.is_account_known(chosen) else chosen


def _shape(record: CreationRecord) -> Output:
    shape: Output = {
        "Id": record.request_id,
        "AccountName": record.account_name,
        "State": record.state,
        "RequestedTimestamp": record.requested,
    }
    optional = {"CompletedTimestamp": record.completed, "AccountId": record.account_id, "FailureReason": record.failure}
    return {**shape, **{key: value for key, value in optional.items() if value}}
