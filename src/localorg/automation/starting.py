"""StartAutomationExecution: from a request to an execution that is admitted, or one refusal with every problem.

Flow: unsupported members -> client token -> runbook (read in the caller's account, or the parent's own) -> typed parameters -> the
role, which the caller must be allowed to pass and Automation able to assume -> row.
AWS: API StartAutomationExecution; user guide, automation-setup.
"""

import json
from dataclasses import replace
from functools import partial
from typing import Any

from localorg.automation import asked, parameters, stored
from localorg.automation.asked import INVALID
from localorg.automation.executions import Executions, checked
from localorg.automation.interpolate import Unresolved
from localorg.automation.ports import Birth, Definition, StepPorts
from localorg.automation.quota import QUEUED_MAX
from localorg.automation.records import Execution
from localorg.automation.runbook import Runbook, UnreadableRunbook
from localorg.automation.sessions import SERVICE, Sessions
from localorg.automation.terms import Terms, terms_of
from localorg.kernel import ids
from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Kernel
from localorg.protocol.calls import Access, ApiCall, Output, Params, Principal, Request
from localorg.protocol.gateway import Gateway

SIZE_MAX = 64 * 1024
LIMIT = "AutomationExecutionLimitExceededException"


class Starting:
    """Makes executions."""

    def __init__(self, kernel: Kernel, gateway: Gateway, executions: Executions, sessions: Sessions, ports: StepPorts) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._executions = executions
        self._sessions = sessions
        self._ports = ports

    def prepare(self, request: Request) -> tuple[Execution, bool]:
        """Return the execution that the request asks for, and whether it is new. Raises AwsError."""
        params = request.params
        asked.check(params, self._kernel.settings.endpoint)
        birth = self._ports.births.get(params.get("ClientToken", ""))
        repeated = None if birth else self._repeated(request)
        if repeated is not None:
            return repeated, False
        definition = birth.definition if birth and birth.definition else self._definition(request, birth)
        runbook = _parsed(definition, terms_of(self._kernel.settings))
        values, problems = _values(runbook, params)
        if not problems:
            given = frozenset(params.get("Parameters", {}))
            values, problems = stored.filled(runbook.parameters, values, given, partial(self._parameters, request))
        if problems:
            raise AwsError(INVALID, " ".join(problems))
        _check_size(definition, params)
        execution = self._row(request, definition, runbook, values, birth)
        rate = execution.is_rate_controlled
        if not self._executions.quota.has_queue_room(request.account, request.region, rate_controlled=rate):
            kind = "rate-controlled automations" if rate else "automations"
            raise AwsError(LIMIT, f"{QUEUED_MAX:,} {kind} wait in this account and Region already.")
        self._settle_role(request, runbook, execution)
        return execution, True

    def _parameters(self, request: Request, names: Params) -> Output:
        return self._gateway.invoke(ApiCall(request.principal, request.region, "ssm", "GetParameters", names))

    def _repeated(self, request: Request) -> Execution | None:
        """AWS: "The request was retried with the same ClientToken, but with different parameters"."""
        token = _token(request.params)
        known = self._executions.by_token(request.account, request.region, token) if token else None
        if known is not None and known.request != _request_text(request.params):
            raise AwsError(
                "IdempotentParameterMismatch", f"Client token {token} was used before with other parameters; use a new one."
            )
        return known

    def _definition(self, request: Request, birth: Birth | None) -> Definition:
        params = request.params
        wanted = {"Name": params["DocumentName"]}
        if "DocumentVersion" in params:
            wanted["DocumentVersion"] = params["DocumentVersion"]
        # AWS: Service Authorization Reference: StartAutomationExecution has no dependent action ssm:GetDocument, so the reader is the
        # service in the account; whether the document is shared with that account is still judged.
        reader = Principal("root", request.account, arn="ssm.amazonaws.com")
        if birth and birth.execution_role and self._kernel.settings.reading("runbook-lookup") == "strict-role":
            reader = request.principal
        try:
            found = self._gateway.invoke(ApiCall(reader, request.region, "ssm", "GetDocument", wanted))
        except AwsError as refusal:
            raise _as_automation_says(refusal) from None
        if found.get("DocumentType") != "Automation":
            raise AwsError(
                "AutomationDefinitionNotFoundException",
                f"{params['DocumentName']} is a document of type {found.get('DocumentType')}; an Automation runbook is needed.",
            )
        arn = parse_arn(params["DocumentName"])
        plain = arn.resource.removeprefix("document/") if arn else params["DocumentName"]
        kind = self._target_type(reader, request) if asked.looks_for_tags(params) else ""
        return Definition(params["DocumentName"], plain, str(found["DocumentVersion"]), str(found["Content"]), kind)

    def _target_type(self, reader: Principal, request: Request) -> str:
        wanted = {"Name": request.params["DocumentName"]}
        described = self._gateway.invoke(ApiCall(reader, request.region, "ssm", "DescribeDocument", wanted))
        return str(described["Document"].get("TargetType", ""))

    def _row(
        self, request: Request, definition: Definition, runbook: Runbook, values: dict[str, Any], birth: Birth | None
    ) -> Execution:
        params = request.params
        locations, url = params.get("TargetLocations") or [], params.get("TargetLocationsURL", "")
        return Execution(
            execution_id=ids.uuid(self._kernel.dice),
            account=request.account,
            region=request.region,
            document=definition.document,
            document_name=definition.name,
            document_version=definition.version,
            content=definition.content,
            parameters=_shown(params, values),
            values=values,
            principal=request.principal,
            started=request.now,
            kind="CrossAccount" if locations or url else "Local",
            execution_role=birth.execution_role if birth else "",
            parent=birth.parent if birth else None,
            target=birth.target if birth else "",
            client_token="" if birth else _token(params),
            request=_request_text(params),
            tags={tag["Key"]: tag["Value"] for tag in params.get("Tags") or []},
            locations=locations,
            mode=params.get("Mode", "Auto"),
            locations_url=url,
            target_parameter=params.get("TargetParameterName", ""),
            target_type=definition.target_type,
            targets=params.get("Targets") or [],
            target_maps=params.get("TargetMaps") or [],
            max_concurrency=params.get("MaxConcurrency", ""),
            max_errors=params.get("MaxErrors", ""),
            variables={
                name: parameters.of_default(rules["type"], rules["default"])
                for name, rules in runbook.variables.items()
                if "default" in rules
            },
        )

    def _settle_role(self, request: Request, runbook: Runbook, execution: Execution) -> None:
        if execution.execution_role:
            # AWS: the guide makes the execution role pass itself to Automation, so it needs iam:PassRole on itself. Its example of a
            # multi-account run hands the hub's role over as AutomationAssumeRole, which no member's role may assume there: so in a
            # member the execution role acts, whatever the runbook's assumeRole says. Observed: the public sample does so, and runs.
            request.check(_pass(execution.execution_role))
            return
        try:
            role = str(self._ports.scope(execution).resolve(runbook.assume_role)) if runbook.assume_role else ""
        except Unresolved as problem:
            raise AwsError(INVALID, f"The assume role of the runbook cannot be told: {problem}") from None
        if not role:
            return
        arn = parse_arn(role)
        if arn is None or arn.service != "iam" or not arn.resource.startswith("role/"):
            raise AwsError(INVALID, f"The assume role {role!r} is no ARN of an IAM role.")
        if arn.account != request.account:
            raise AccessDenied(f"Cross-account pass role is not allowed: {role} is not in {request.account}.")
        # AWS: user guide, automation-setup-iam: who starts a runbook with an assume role needs iam:PassRole on it.
        request.check(_pass(role))
        self._assume(execution, role)

    def _assume(self, execution: Execution, role: str) -> None:
        execution.assume_role = role
        try:
            self._sessions.actor(execution)
        except AwsError as refusal:
            # Observed: "The defined assume role is unable to be assumed."; the reason is ours.
            reason = f"The defined assume role is unable to be assumed. {role}: {refusal.message}"
            raise AwsError(INVALID, reason) from None


def _pass(role: str) -> Access:
    return Access("iam:PassRole", role, context={"iam:PassedToService": SERVICE})


def _values(runbook: Runbook, params: Params) -> tuple[dict[str, Any], list[str]]:
    """Return the typed values but for those that targets fill in, and everything that is wrong."""
    filled = asked.targeted(params)
    declared = {name: rules for name, rules in runbook.parameters.items() if name not in filled}
    # ASSUMED: what is given for the target parameter beside its targets counts for nothing.
    given = {name: value for name, value in params.get("Parameters", {}).items() if name not in filled}
    values, problems = parameters.typed(declared, given)
    return values, [*asked.unknown_targets(params, runbook.parameters), *problems]


def _shown(params: Params, values: dict[str, Any]) -> dict[str, list[str]]:
    """AWS: GetAutomationExecution shows the parameters supplied, defaults included; for a run over targets only those supplied."""
    if params.get("Targets") or params.get("TargetMaps"):
        return dict(params.get("Parameters", {}))
    return {name: parameters.to_wire(value) for name, value in values.items()}


def _check_size(definition: Definition, params: Params) -> None:
    """AWS: API MaxDocumentSizeExceeded: 64 KB with the parameters of the execution. # ASSUMED: the error of too long parameters."""
    size = len(definition.content.encode()) + len(json.dumps(params.get("Parameters", {})).encode())
    if size > SIZE_MAX:
        raise AwsError(INVALID, f"The runbook and its parameters have {size} bytes together; at most {SIZE_MAX} are allowed.")


def _parsed(definition: Definition, terms: Terms) -> Runbook:
    try:
        return checked(definition.content, terms)
    except (UnreadableRunbook, ValueError) as problem:
        raise AwsError(INVALID, f"The runbook {definition.name} cannot be run: {problem}") from None


def _as_automation_says(refusal: AwsError) -> AwsError:
    match refusal.code:
        case "InvalidDocument":
            return AwsError("AutomationDefinitionNotFoundException", refusal.message)
        case "InvalidDocumentVersion":
            return AwsError("AutomationDefinitionVersionNotFoundException", refusal.message)
        case _:
            return refusal


def _token(params: Params) -> str:
    """AWS: API StartAutomationExecution: the client token is case-insensitive."""
    return str(params.get("ClientToken", "")).lower()


def _request_text(params: Params) -> str:
    return json.dumps({name: value for name, value in params.items() if name != "ClientToken"}, sort_keys=True)


def for_region(partition: str, parent: Execution, region: str) -> str:
    """Return how the runbook of `parent` is called in another account's `region`: by its ARN there, or by AWS's own name."""
    arn = parse_arn(parent.document)
    if arn is not None:
        return str(arn._replace(region=region))
    if parent.document.startswith("AWS-"):
        return parent.document
    return str(Arn(partition, "ssm", region, parent.account, f"document/{parent.document}"))


def definition_for(partition: str, parent: Execution, region: str) -> Definition:
    """Return the definition that a member runs when it is taken from the hub."""
    given = Definition(parent.document, parent.document_name, parent.document_version, parent.content, parent.target_type)
    return replace(given, document=for_region(partition, parent, region))
