"""Under whom StackSets work in an account: their own role in a member, or the two roles that somebody made for them.

Flow: service-managed -> the role that the service-linked role makes in the member. Self-managed -> cloudformation.amazonaws.com
assumes the administration role in the set's account, that assumes the execution role in the target account -> its session.
Rules: each step is a call to STS, judged by trust policies and by what the administration role may do. The sessions of an operation
are opened once in each account.

AWS: CloudFormation user guide, "Grant self-managed permissions".
"""

from collections.abc import Callable

from localorg.kernel import ids
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import ApiCall, Principal
from localorg.protocol.gateway import Gateway
from localorg.stacks.stacksets.organization import Directory
from localorg.stacks.stacksets.records import SERVICE_MANAGED, SetOperationRecord, StackSetRecord

CLOUDFORMATION = "cloudformation.amazonaws.com"
DEFAULT_ADMIN, DEFAULT_EXECUTION = "AWSCloudFormationStackSetAdministrationRole", "AWSCloudFormationStackSetExecutionRole"


class RoleMissingError(AwsError):
    """A role that StackSets need is not there or does not let them in."""

    def __init__(self, account: str, role: str, trusting: str) -> None:
        # AWS: the sentences of stack instances whose roles are missing.
        super().__init__("RoleMissing", f"Account {account} should have '{role}' role with trust relationship to {trusting}.")


class Acting:
    """Opens the sessions that stacks are made under."""

    def __init__(self, gateway: Gateway, directory: Directory, sessions: Callable[[str], Principal]) -> None:
        self._gateway = gateway
        self._kernel = gateway.kernel
        self._directory = directory
        self._sessions = sessions
        self._opened: dict[tuple[str, str, str], Principal] = {}

    def principal(self, stack_set: StackSetRecord, operation: SetOperationRecord, account: str) -> Principal:
        """Return who makes the stacks of an operation in an account. Raises RoleMissingError."""
        if stack_set.permission_model == SERVICE_MANAGED:
            return self._directory.member(account)
        key = (stack_set.stack_set_id, operation.operation_id, account)
        if key not in self._opened:
            self._opened[key] = self._execution(stack_set, operation, account)
        return self._opened[key]

    def forget(self, operation: SetOperationRecord) -> None:
        """Let the sessions of an operation go."""
        for key in [key for key in self._opened if key[:2] == (operation.stack_set_id, operation.operation_id)]:
            del self._opened[key]

    def _execution(self, stack_set: StackSetRecord, operation: SetOperationRecord, account: str) -> Principal:
        partition = self._kernel.settings.partition
        place = Arn(partition, "cloudformation", stack_set.region, stack_set.account, f"stackset/{stack_set.stack_set_id}")
        service = Principal(
            "service",
            stack_set.account,
            CLOUDFORMATION,
            service=CLOUDFORMATION,
            source_account=stack_set.account,
            source_arn=str(place),
        )
        admin_name = operation.admin_role.rsplit("/", 1)[-1]
        admin = self._assume(service, stack_set.region, operation.admin_role)
        if admin is None:
            raise RoleMissingError(stack_set.account, admin_name, "CloudFormation service")
        role = str(Arn(partition, "iam", "", account, f"role/{operation.execution_role}"))
        found = self._assume(admin, stack_set.region, role)
        if found is None:
            raise RoleMissingError(account, operation.execution_role, f"Role '{admin_name}'")
        return found

    def _assume(self, who: Principal, region: str, role: str) -> Principal | None:
        # ASSUMED: the name of the session is a unique one, as in reports of refused StackSets.
        params = {"RoleArn": role, "RoleSessionName": ids.uuid(self._kernel.dice)}
        try:
            answer = self._gateway.invoke(ApiCall(who, region, "sts", "AssumeRole", params))
        except AwsError:
            return None
        return self._sessions(answer["Credentials"]["AccessKeyId"])
