"""The tags of executions, for AddTagsToResource and its companions: ResourceType Automation, ResourceId the execution's id.

AWS: API AddTagsToResource: automations can have a maximum of 5 tags, at their start as later.
"""

from localorg.automation.asked import TAGS_MAX
from localorg.automation.executions import Executions
from localorg.automation.records import Execution
from localorg.kernel.arn import Arn
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Request


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

    def names(self, request: Request) -> list[str]:
        """Return the ids of the caller's executions, in order."""
        return [name for _, _, name in self._executions.rows.sorted_keys(request.account, request.region)]

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
