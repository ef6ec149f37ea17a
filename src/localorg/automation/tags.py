"""The tags of executions, for AddTagsToResource and its companions: ResourceType Automation, ResourceId the execution's id.

AWS: API AddTagsToResource; an execution starts with five tags at most, and may be given up to fifty later.
"""

from localorg.automation.executions import Executions
from localorg.automation.records import Execution
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Request
from localorg.protocol.tagging import TAGS_MAX


class ExecutionTags:
    """A `TagHolder`."""

    limit = TAGS_MAX

    def __init__(self, executions: Executions, partition: str) -> None:
        self._executions = executions
        self._partition = partition

    def arn(self, request: Request, resource_id: str) -> str:
        """Return the ARN that a policy must allow. AWS: Service Authorization Reference, resource type automation-execution."""
        return str(Arn(self._partition, "ssm", request.region, request.account, f"automation-execution/{resource_id}"))

    def tags(self, request: Request, resource_id: str) -> dict[str, str]:
        """Return an execution's tags. Raises InvalidResourceId."""
        return self._found(request, resource_id).tags

    def retag(self, request: Request, resource_id: str, tags: dict[str, str]) -> None:
        """Replace an execution's tags."""
        execution = self._found(request, resource_id)
        execution.tags = tags
        self._executions.put(execution)

    def _found(self, request: Request, execution_id: str) -> Execution:
        execution = self._executions.rows.get(request.account, request.region, execution_id)
        if execution is None:
            raise AwsError("InvalidResourceId", f"{request.account} has no automation {execution_id} in {request.region}.")
        return execution
