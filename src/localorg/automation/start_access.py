"""Which resources a policy must allow to whoever starts an automation.

Rules: the open question "start-automation-resources". Long it was the automation-definition (runbook and version) alone; the guide's
policies now have the document and the executions, and AWS's own managed policies of 2026 have all three.
AWS: user guide, automation-setup-identity-based-policies; Service Authorization Reference, StartAutomationExecution.
"""

from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AccessDenied
from localorg.protocol.calls import Access, Request

ACTION = "ssm:StartAutomationExecution"
QUESTION = "start-automation-resources"


def to_start(partition: str, request: Request, reading: str) -> list[Access]:
    """Return what must be allowed for the StartAutomationExecution `request`; where either way will do, the one that is."""
    runbook = _runbook(partition, request)
    version = request.params.get("DocumentVersion", "$DEFAULT")
    definition = [Access(ACTION, str(runbook._replace(resource=f"automation-definition/{runbook.resource}:{version}")))]
    executions = str(Arn(partition, "ssm", request.region, request.account, "automation-execution/*"))
    document = [Access(ACTION, str(runbook._replace(resource=f"document/{runbook.resource}"))), Access(ACTION, executions)]
    match reading:
        case "definition":
            return definition
        case "document":
            return document
        case _:
            return document if _may(request, document) else definition


def _runbook(partition: str, request: Request) -> Arn:
    """Return the ARN of the runbook with its bare name as the resource. AWS: AWS's own documents belong to no account."""
    name = request.params["DocumentName"]
    arn = parse_arn(name)
    if arn is not None:
        return arn._replace(resource=arn.resource.removeprefix("document/").removeprefix("automation-definition/").split(":")[0])
    return Arn(partition, "ssm", request.region, "" if name.startswith("AWS-") else request.account, name)


def _may(request: Request, accesses: list[Access]) -> bool:
    try:
        for access in accesses:
            request.check(access)
    except AccessDenied:
        return False
    return True
