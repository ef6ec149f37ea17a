"""What StartAutomationExecution refuses before anything is looked up: members that are not supported, and members that do not fit together.

AWS: API StartAutomationExecution; user guide, running-automations-map-targets. Limits of single members are the model's.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from localorg.automation import resolve, targets
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import Params
from localorg.protocol.models import service_model
from localorg.protocol.patterns import compiled
from localorg.protocol.tagging import first_tags

OPERATION = "StartAutomationExecution"
INVALID = "InvalidAutomationExecutionParametersException"
TAGS_MAX = 5
ONE_AT_A_TIME = "Only one resource group or tag can be specified at a time"
"""Observed: public reports of StartAutomationExecution with several tags."""


def check(params: Params, endpoint: str) -> None:
    """Refuse what cannot be run; `endpoint` is this organization's own. Raises AwsError."""
    if params.get("AlarmConfiguration"):
        raise NotSupported("the parameter AlarmConfiguration", OPERATION)
    several = [name for name in ("Targets", "TargetMaps", "TargetLocations", "TargetLocationsURL") if params.get(name)]
    if params.get("Mode") == "Interactive" and several:
        raise NotSupported(f"the execution mode Interactive together with {several[0]}", OPERATION)
    if len(params.get("Tags") or []) > TAGS_MAX:
        raise AwsError("ValidationException", f"An automation has at most {TAGS_MAX} tags.")
    first_tags(params.get("Tags"), TAGS_MAX)
    if params.get("TargetLocations") and params.get("TargetLocationsURL"):
        raise AwsError(INVALID, "TargetLocations and TargetLocationsURL cannot be specified together.")
    if url := params.get("TargetLocationsURL"):
        _check_url(url, endpoint)
    _check_targets(params, params.get("TargetLocations") or [])
    check_locations(params, params.get("TargetLocations") or [])


def _check_url(url: str, endpoint: str) -> None:
    pattern = service_model("ssm").shape_for("TargetLocationsURL").metadata["pattern"]
    here, there = urlsplit(endpoint), urlsplit(url)
    is_here = (there.scheme, there.netloc.partition(":")[2]) == (here.scheme, here.netloc.partition(":")[2])
    if not compiled(pattern).fullmatch(url) and not (is_here and there.netloc.partition(":")[0] in (here.hostname, "localhost")):
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{url}' at 'targetLocationsURL' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {pattern}",
        )


def _check_targets(params: Params, locations: list[dict[str, Any]]) -> None:
    # ASSUMED: MaxConcurrency and MaxErrors of an automation without targets are taken and shown, and limit nothing.
    given = [name for name in ("Targets", "TargetMaps") if params.get(name)]
    if len(given) == 2:
        raise AwsError(INVALID, "Targets and TargetMaps can't be specified together.")
    somewhere = "Targets" in given or any(location.get("Targets") for location in locations)
    if somewhere and not params.get("TargetParameterName"):
        raise AwsError(INVALID, "TargetParameterName is required when Targets are specified.")
    elsewhere = locations or params.get("TargetLocationsURL")
    if params.get("TargetParameterName") and not given and not somewhere and not elsewhere:
        raise AwsError(INVALID, "TargetParameterName needs Targets or TargetMaps.")
    check_keys(params.get("Targets") or [])


def check_locations(params: Params, locations: list[dict[str, Any]]) -> None:
    """Refuse locations that cannot be run; also those that a file brings. Raises AwsError."""
    for location in locations:
        if location.get("TargetLocationAlarmConfiguration"):
            raise NotSupported("the parameter TargetLocations.TargetLocationAlarmConfiguration", OPERATION)
        if not location.get("Accounts") or not location.get("Regions"):
            raise AwsError(INVALID, "Each target location needs Accounts and Regions.")
        wrong = [one for one in location["Accounts"] if not targets.ACCOUNT_OR_UNIT.fullmatch(one)]
        if wrong:
            raise AwsError(INVALID, f"Accounts of a target location are account or OU ids; found {', '.join(wrong)}.")
        if location.get("Targets") and not params.get("TargetParameterName"):
            raise AwsError(INVALID, "TargetParameterName is required when Targets are specified.")
        check_keys(location.get("Targets") or [])


def check_keys(wanted: list[dict[str, Any]]) -> None:
    """Refuse targets that Automation does not know. Raises AwsError."""
    for target in wanted:
        key, values = target.get("Key", ""), target.get("Values") or []
        if key == resolve.GROUP and len(values) > 1:
            raise AwsError(INVALID, ONE_AT_A_TIME)
        if key not in (resolve.VALUES, resolve.GROUP, resolve.INSTANCE_IDS, resolve.ALL_INSTANCES) and (
            not key.startswith(resolve.TAG) or key == resolve.TAG
        ):
            # Observed: a public report of 2018, when there were only the first two.
            known = "ParameterValues, ResourceGroup, tag:KEY, InstanceIds, AWS::EC2::Instance"
            raise AwsError(INVALID, f"Target key can have only following values : {known}; found {key!r}")
        if not values and not key.startswith(resolve.TAG):
            raise AwsError("InvalidTarget", f"The target {key} needs at least one value.")
        if key == resolve.ALL_INSTANCES and values != ["*"]:
            raise AwsError("InvalidTarget", f"The target {key} takes the one value *, found {', '.join(values)}.")


def targeted(params: Params) -> set[str]:
    """Return the names of the parameters that targets fill in."""
    names = {name for one in params.get("TargetMaps") or [] for name in one}
    return names | ({params["TargetParameterName"]} if params.get("TargetParameterName") else set())


def unknown_targets(params: Params, declared: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for each targeted parameter that the runbook does not have. AWS: names are case-sensitive."""
    for name in sorted(targeted(params) - set(declared)):
        yield f'Target parameter "{name}" is not defined in the runbook; it defines {", ".join(declared) or "none"}.'


def looks_for_tags(params: Params) -> bool:
    """Say whether a tag is to be looked up, for which the runbook's TargetType counts."""
    everywhere = [*(params.get("Targets") or [])]
    for location in params.get("TargetLocations") or []:
        everywhere += location.get("Targets") or []
    return bool(params.get("TargetLocationsURL")) or any(one.get("Key", "").startswith(resolve.TAG) for one in everywhere)
