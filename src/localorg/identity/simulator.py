"""The operations by which a person asks why: SimulatePrincipalPolicy, SimulateCustomPolicy, GetContextKeysFor...

Flow: request -> policies of the entity and those handed in (without the excluded ones) -> `Scenario` -> one verdict for each action and
resource -> the answer, in pages.
Rules: the decision is the evaluator's own; only the condition keys that the caller hands in have values. What would change the answer
and is not supported (ResourceHandlingOption) is refused by name.
Refuses to know: how a decision is made (evaluate.py, simulation.py).

AWS: IAM API reference, SimulatePrincipalPolicy, SimulateCustomPolicy, GetContextKeysForPrincipalPolicy, GetContextKeysForCustomPolicy.
"""

import re
from collections.abc import Sequence
from typing import Any

from localorg.identity.authorise import Authoriser
from localorg.identity.directory import Directory, missing
from localorg.identity.exclusions import exclusion
from localorg.identity.listing import listed
from localorg.identity.policy import Kind, Policy, parsed
from localorg.identity.records import Group, Holder, Role, User
from localorg.identity.simulation import Scenario, Verdict, simulate, worst
from localorg.identity.sources import INPUT, RESOURCE, Source, sources_of
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Access, Operation, Output, Principal, Request

ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")
ACCOUNT = re.compile(r"\d{12}")


class Simulator:
    """The simulator's operations."""

    def __init__(self, authoriser: Authoriser) -> None:
        self._authoriser = authoriser
        self._directory: Directory = authoriser.directory

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [
            Operation("iam", "SimulatePrincipalPolicy", self._simulate_principal, _on_source),
            Operation("iam", "SimulateCustomPolicy", self._simulate_custom),
            Operation("iam", "GetContextKeysForPrincipalPolicy", self._keys_of_principal, _on_source),
            Operation("iam", "GetContextKeysForCustomPolicy", self._keys_of_custom),
        ]

    def _keys_of_custom(self, request: Request) -> Output:
        return _keys(_inputs(request))

    def _keys_of_principal(self, request: Request) -> Output:
        held = list(sources_of(self._directory, self._holder(request, "PolicySourceArn")))
        return _keys([*held, *_inputs(request)])

    def _simulate_custom(self, request: Request) -> Output:
        if "ResourcePolicy" in request.params and "CallerArn" not in request.params:
            raise _invalid("CallerArn is required with ResourcePolicy, so that its Principal has somebody to be compared with.")
        nobody = Principal("user", request.account, self._directory.arn(request.account, "user", "/", "simulated"))
        caller = self._caller(request) if "CallerArn" in request.params else nobody
        return self._answer(request, self._scenario(request, caller, None))

    def _simulate_principal(self, request: Request) -> Output:
        holder = self._holder(request, "PolicySourceArn")
        named = "CallerArn" in request.params
        if "ResourcePolicy" in request.params and isinstance(holder, Group) and not named:
            raise _invalid("CallerArn is required when a group is simulated with a ResourcePolicy.")
        caller = self._caller(request) if named else _as_principal(holder)
        return self._answer(request, self._scenario(request, caller, holder))

    def _holder(self, request: Request, member: str) -> Holder:
        """Return the user, group or role of the caller's account that the request names. Raises NoSuchEntity, InvalidInput."""
        text = request.params[member]
        arn = parse_arn(text)
        kind, _, path = arn.resource.partition("/") if arn and arn.service == "iam" else ("", "", "")
        if arn is None or kind not in {"user", "group", "role"}:
            raise _invalid(f"Invalid Entity Arn: {text} does not clearly define entity type and name.")
        name = path.rsplit("/", 1)[-1]
        key, rows = (request.account, name.lower()), self._directory
        tables = {"user": rows.users.get, "group": rows.groups.get, "role": rows.roles.get}
        found = tables[kind](*key)
        if found is None or found.arn != text:
            raise missing(f"The {kind} with name {name} cannot be found.")
        return found

    def _caller(self, request: Request) -> Principal:
        return _as_principal(self._holder(request, "CallerArn"))

    def _scenario(self, request: Request, caller: Principal, holder: Holder | None) -> Scenario:
        params = request.params
        if "ResourceHandlingOption" in params:
            raise NotSupported("the parameter ResourceHandlingOption", f"iam:{request.operation}")
        is_excluded, kinds_excluded = exclusion(params.get("PolicyExclusionList", ()))
        held = [source for source in sources_of(self._directory, holder) if not is_excluded(source)] if holder else []
        resource = Source("ResourcePolicy", RESOURCE, params["ResourcePolicy"]) if "ResourcePolicy" in params else None
        if resource and caller.kind == "role":
            raise _invalid("Simulation of resource-based policies isn't supported for IAM roles.")
        levels = _organization(request)
        return Scenario(
            caller=caller,
            sources=[*held, *_inputs(request)],
            boundary=self._boundary(request, None if "permission-boundary" in kinds_excluded else holder),
            resource=_checked(resource) if resource else None,
            service_control=() if "scp" in kinds_excluded else levels or self._authoriser.service_control(caller),
            is_in_organization=bool(levels) or self._authoriser.around.organization_of(caller.account) is not None,
            context={entry["ContextKeyName"].lower(): tuple(entry.get("ContextKeyValues", ())) for entry in _context(request)},
            owner=_owner(params.get("ResourceOwner", "")),
        )

    def _boundary(self, request: Request, holder: Holder | None) -> Policy | None:
        given = request.params.get("PermissionsBoundaryPolicyInputList", ())
        if len(given) > 1:
            raise _invalid("You can input only one permissions boundary.")
        if given:
            return _checked(Source("PermissionsBoundaryPolicyInputList.1", INPUT, given[0])).policy
        return self._authoriser.boundary(holder)

    def _answer(self, request: Request, scenario: Scenario) -> Output:
        resources = request.params.get("ResourceArns") or ["*"]
        for action in request.params["ActionNames"]:
            if not ACTION.fullmatch(action):
                raise _invalid(f"Invalid Action name: {action}")
        results = [
            _result(scenario, action, [simulate(scenario, action, resource) for resource in resources])
            for action in request.params["ActionNames"]
        ]
        numbered = list(enumerate(results))
        page = listed(request, "EvaluationResults", numbered, lambda row: f"{row[0]:06d}")
        page["EvaluationResults"] = [result for _, result in page["EvaluationResults"]]
        return page


def _result(scenario: Scenario, action: str, verdicts: Sequence[Verdict]) -> Output:
    matched = [statement for verdict in verdicts for statement in verdict.matched if verdict.decision == _worst(verdicts)]
    result: Output = {
        "EvalActionName": action,
        # ASSUMED: AWS tells the form of the ARN of the action's resources here; localorg has no list of them and says "*".
        "EvalResourceName": "*",
        "EvalDecision": _worst(verdicts),
        "MatchedStatements": [each for number, each in enumerate(matched) if each not in matched[:number]],
        "MissingContextValues": list(dict.fromkeys(key for verdict in verdicts for key in verdict.missing)),
    }
    if scenario.is_in_organization:
        allowed = all(verdict.by_organization for verdict in verdicts)
        result["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": allowed}
    result |= _by_boundary(scenario, verdicts)
    kinds = list(dict.fromkeys(kind for verdict in verdicts for kind in verdict.details or ()))
    if any(verdict.details is not None for verdict in verdicts):
        told = [verdict.details or {} for verdict in verdicts]
        result["EvalDecisionDetails"] = {kind: worst(each[kind] for each in told if kind in each) for kind in kinds}
    if [verdict.resource for verdict in verdicts] != ["*"]:
        result["ResourceSpecificResults"] = [_specific(scenario, verdict) for verdict in verdicts]
    return result


def _worst(verdicts: Sequence[Verdict]) -> str:
    return worst(verdict.decision for verdict in verdicts)


def _by_boundary(scenario: Scenario, verdicts: Sequence[Verdict]) -> Output:
    if scenario.boundary is None:
        return {}
    allowed = all(verdict.by_boundary for verdict in verdicts)
    return {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": allowed}}


def _specific(scenario: Scenario, verdict: Verdict) -> Output:
    return {
        "EvalResourceName": verdict.resource,
        "EvalResourceDecision": verdict.decision,
        "MatchedStatements": verdict.matched,
        "MissingContextValues": verdict.missing,
        **({} if verdict.details is None else {"EvalDecisionDetails": verdict.details}),
        **_by_boundary(scenario, [verdict]),
    }


def _on_source(request: Request) -> list[Access]:
    return [Access(f"iam:{request.operation}", request.params["PolicySourceArn"])]


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidInput", message)


def _context(request: Request) -> Sequence[dict[str, Any]]:
    entries: Sequence[dict[str, Any]] = request.params.get("ContextEntries", ())
    for entry in entries:
        if "ContextKeyName" not in entry:
            raise _invalid("A context entry needs a ContextKeyName.")
    return entries


def _inputs(request: Request) -> list[Source]:
    texts = request.params.get("PolicyInputList", ())
    return [_checked(Source(f"PolicyInputList.{number}", INPUT, text)) for number, text in enumerate(texts, 1)]


def _organization(request: Request) -> tuple[tuple[Policy, ...], ...]:
    """Return the service control policies that the caller hands in, from the root down to the account."""
    levels: list[dict[str, Any]] = request.params.get("OrderedOrganizationPolicyInputList", [])
    member = "OrderedOrganizationPolicyInputList"
    return tuple(
        tuple(_read(f"{member}.{number}", text, "scp") for text in level.get("ServiceControlPolicyInputList", ()))
        for number, level in enumerate(levels, 1)
    )


def _checked(source: Source) -> Source:
    """Return the source. Raises InvalidInput with what is wrong with its text."""
    _read(source.id, source.text, "resource" if source.kind == RESOURCE else "identity")
    return source


def _read(name: str, text: str, kind: Kind) -> Policy:
    try:
        return parsed(text, kind)
    except NotSupported:
        raise
    except AwsError as refusal:
        raise _invalid(f"{name}: {refusal.message}") from refusal


def _keys(sources: Sequence[Source]) -> Output:
    return {"ContextKeyNames": list(dict.fromkeys(key for source in sources for key in source.policy.named_keys()))}


def _as_principal(holder: Holder) -> Principal:
    match holder:
        case Role():
            return Principal("role", holder.account, holder.arn, role_arn=holder.arn)
        case User():
            return Principal("user", holder.account, holder.arn)
        case _:
            # ASSUMED: a group is simulated as one of its users, of whom nothing else is known.
            return Principal("user", holder.account, holder.arn)


def _owner(text: str) -> str:
    arn = parse_arn(text)
    account = arn.account if arn else text
    if text and not ACCOUNT.fullmatch(account):
        raise _invalid(f"Invalid ResourceOwner: {text}")
    return account
