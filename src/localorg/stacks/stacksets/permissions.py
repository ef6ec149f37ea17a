"""What the permission model of a set asks for: trusted access or roles of one's own, and auto-deployment or none.

Rules: service-managed sets need trusted access, say whether they follow the organization, and take no roles; self-managed ones take
the administration role and the name of the execution role, and follow no organization. A set without instances may change its model.

AWS: CloudFormation API reference, CreateStackSet, UpdateStackSet.
"""

from collections.abc import Callable
from typing import Any

from localorg.kernel.arn import Arn, parse_arn
from localorg.protocol.calls import Access, Request
from localorg.stacks.stacksets.acting import CLOUDFORMATION, DEFAULT_ADMIN, DEFAULT_EXECUTION
from localorg.stacks.stacksets.dependencies import Dependencies
from localorg.stacks.stacksets.organization import ADMIN_ROLE_PATH, Directory
from localorg.stacks.stacksets.records import SERVICE_MANAGED, StackSetRecord
from localorg.stacks.stacksets.shelf import Shelf
from localorg.stacks.template import invalid


class Permissions:
    """Judges and settles how a set may act. `execution_role()` is the name of the role that StackSets make in members."""

    def __init__(self, shelf: Shelf, directory: Directory, partition: str, execution_role: Callable[[], str]) -> None:
        self._shelf = shelf
        self._directory = directory
        self._partition = partition
        self._execution_role = execution_role
        self._dependencies = Dependencies(shelf)

    def check(self, request: Request, model: str) -> None:
        """Raise ValidationError when the caller may not have sets of this model, or gives what is for the other."""
        params = request.params
        if model == SERVICE_MANAGED:
            self._directory.home(request)
            self._directory.require_trust(request)
            if request.operation == "CreateStackSet" and "AutoDeployment" not in params:
                # AWS: CreateStackSet, AutoDeployment: required if the permission model is SERVICE_MANAGED. # ASSUMED: the words.
                raise invalid("AutoDeployment is required for stack sets with the SERVICE_MANAGED permission model")
        elif params.get("CallAs", "SELF") != "SELF":
            raise invalid("CallAs DELEGATED_ADMIN is for stack sets with the SERVICE_MANAGED permission model")
        elif "AutoDeployment" in params:
            # ASSUMED: the words; AutoDeployment is "not used with self-managed permissions".
            raise invalid("AutoDeployment is for stack sets with the SERVICE_MANAGED permission model")

    def check_change(self, stack_set: StackSetRecord, model: str) -> None:
        """Raise ValidationError where a set cannot have another model."""
        if model != stack_set.permission_model and self._shelf.instances(stack_set.stack_set_id):
            # AWS: UpdateStackSet, PermissionModel: not if there are stack instances. # ASSUMED: the words.
            raise invalid(
                f"You cannot modify PermissionModel: there are stack instances associated with stack set {stack_set.name}"
            )

    def change(self, stack_set: StackSetRecord, model: str) -> None:
        """Let a set have a model. # ASSUMED: one that is another forgets roles, units and dependencies of the one before."""
        if model == stack_set.permission_model:
            return
        stack_set.permission_model = model
        stack_set.admin_role = stack_set.execution_role = ""
        stack_set.auto_deployment = stack_set.retain_on_removal = False
        stack_set.units, stack_set.waiting, stack_set.depends_on = {}, {}, []
        self._dependencies.drop(stack_set)

    def give_roles(self, request: Request, stack_set: StackSetRecord) -> None:
        """Take the roles of a request, or those that go without saying."""
        params = request.params
        admin, execution = params.get("AdministrationRoleARN"), params.get("ExecutionRoleName")
        if stack_set.permission_model == SERVICE_MANAGED:
            # AWS: DescribeStackSet of a service-managed set names the service-linked role and stacksets-exec-*.
            own = str(Arn(self._partition, "iam", "", stack_set.account, f"role{ADMIN_ROLE_PATH}"))
            given = {"AdministrationRoleARN": (admin, own), "ExecutionRoleName": (execution, self._execution_role())}
            wrong = [name for name, (asked, known) in given.items() if asked not in (None, known)]
            if wrong:
                raise invalid(f"{', '.join(wrong)}: valid only for stack sets with the SELF_MANAGED permission model")
            stack_set.admin_role, stack_set.execution_role = own, self._execution_role()
            return
        default = str(Arn(self._partition, "iam", "", stack_set.account, f"role/{DEFAULT_ADMIN}"))
        if admin is not None:
            _check_role(admin, stack_set.account)
            request.check(Access("iam:PassRole", admin, context={"iam:PassedToService": CLOUDFORMATION}))
        elif stack_set.admin_role not in ("", default):
            # AWS: whoever made the set with an administration role names one in every update. # ASSUMED: the words.
            raise invalid(f"This stack set has a customized AdministrationRoleARN; name one ({stack_set.admin_role})")
        stack_set.admin_role = admin or default
        stack_set.execution_role = execution or stack_set.execution_role or DEFAULT_EXECUTION

    def follow(self, params: dict[str, Any], stack_set: StackSetRecord) -> None:
        """Let a set follow the organization, or no longer, as a request says. Raises ValidationError."""
        if "AutoDeployment" not in params:
            return
        deployment = params["AutoDeployment"]
        enabled = deployment.get("Enabled", False)
        if not enabled and "RetainStacksOnAccountRemoval" in deployment:
            # AWS: "Specify only if Enabled is set to True". # ASSUMED: the words.
            raise invalid("RetainStacksOnAccountRemoval can only be specified when AutoDeployment is enabled")
        stack_set.depends_on = self._dependencies.of(stack_set, deployment.get("DependsOn", ()))
        stack_set.auto_deployment = enabled
        stack_set.retain_on_removal = deployment.get("RetainStacksOnAccountRemoval", False)


def _check_role(role: str, account: str) -> None:
    arn = parse_arn(role)
    if arn is None or arn.service != "iam" or not arn.resource.startswith("role/") or arn.account != account:
        raise invalid(f"Role {role} is invalid or cannot be assumed")
