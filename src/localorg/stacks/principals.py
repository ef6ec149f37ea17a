"""Under whom CloudFormation calls other services: the caller, on whose behalf it calls, or a session of the role that is passed.

AWS: IAM user guide, aws:CalledVia; CloudFormation user guide, "CloudFormation service role".
"""

from collections.abc import Callable
from dataclasses import replace

from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Access, ApiCall, Principal, Request
from localorg.protocol.gateway import Gateway
from localorg.stacks.template import invalid

CLOUDFORMATION = "cloudformation.amazonaws.com"
NESTED_MAX = 20
"""# ASSUMED: AWS publishes no depth of nested stacks; a template that names itself would go on for ever."""


def on_behalf_of(principal: Principal) -> Principal:
    """Return a caller as whom CloudFormation calls on, with the caller's own rights."""
    return replace(principal, via=(*principal.via, CLOUDFORMATION))


class Principals:
    """Finds who makes the calls of a stack. `sessions` turns an access key id into the principal of its session."""

    def __init__(self, gateway: Gateway, sessions: Callable[[str], Principal]) -> None:
        self._gateway = gateway
        self._sessions = sessions

    def of(self, request: Request, role: str) -> Principal:
        """Return the caller, or a session of `role`, which the caller must be allowed to pass. Raises AccessDenied, ValidationError."""
        if request.principal.via.count(CLOUDFORMATION) >= NESTED_MAX:
            raise invalid(f"Stacks can be nested {NESTED_MAX} deep; a template must not have itself as a nested stack")
        if not role:
            return on_behalf_of(request.principal)
        request.check(Access("iam:PassRole", role, context={"iam:PassedToService": CLOUDFORMATION}))
        arn = parse_arn(role)
        if arn is None or arn.service != "iam" or arn.account != request.account:
            raise invalid(f"Role {role} is invalid or cannot be assumed")
        service = Principal("service", request.account, CLOUDFORMATION, service=CLOUDFORMATION, source_account=request.account)
        params = {"RoleArn": role, "RoleSessionName": "AWSCloudFormation"}
        try:
            answer = self._gateway.invoke(ApiCall(service, request.region, "sts", "AssumeRole", params))
        except AwsError as refusal:
            raise invalid(f"Role {role} is invalid or cannot be assumed: {refusal.message}") from refusal
        return self._sessions(answer["Credentials"]["AccessKeyId"])
