"""What the operator asked for -> the association's parameters. Pure; all problems at once.

Rules: on an update, what is left out stays; an empty value is never sent (Automation's values have at least one character).
Refuses to know: AWS calls.
"""

import json
import re

from csd.errors import CsdInputError, Problem

_LISTS = ("targetAccounts", "targetRegions")
_NEEDED = ("name", "targetAccounts", "targetRegions")


def association_parameters(
    wanted: dict[str, str], arguments: list[str] | None, held: dict[str, list[str]], role_arn: str
) -> dict[str, list[str]]:
    """Parameters to send. `held` are the association's own, {} for a new one. Raises CsdInputError."""
    problems: list[Problem] = []
    parameters = {key: values for key, values in held.items() if any(values)}
    for key, value in wanted.items():
        if value:
            parameters[key] = [part.strip() for part in value.split(",") if part.strip()] if key in _LISTS else [value]
    parameters.setdefault("action", ["Install"])
    parameters["AutomationAssumeRole"] = [role_arn]
    if arguments is not None:
        parameters["additionalArguments"] = [json.dumps(_arguments(arguments, problems), sort_keys=True)]
    needed = (*_NEEDED, "version", "bucketName") if parameters["action"] == ["Install"] else _NEEDED
    remedy = "Give it; a new association takes nothing from an old one."
    problems += [Problem(f"--{_option(key)}", "is needed.", remedy) for key in needed if not parameters.get(key)]
    if parameters["action"][0] not in ("Install", "Uninstall"):
        problems.append(Problem("--action", f"is {parameters['action'][0]!r}.", "Say Install or Uninstall."))
    problems += [
        Problem("--targets", f"{target!r} is no OU id or account id.", "Write ou-abcd-1qwert43 or 111122223333.")
        for target in parameters.get("targetAccounts", [])
        if not re.match(r"^(\d{12}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32})$", target)
    ]
    if problems:
        raise CsdInputError(problems)
    return parameters


def _option(parameter: str) -> str:
    return {"targetAccounts": "targets", "targetRegions": "regions", "bucketName": "bucket"}.get(parameter, parameter)


def read_arguments(arguments: list[str] | None) -> dict[str, str]:
    """The arguments of the scripts, as given. Raises CsdInputError."""
    problems: list[Problem] = []
    found = _arguments(arguments or [], problems)
    if problems:
        raise CsdInputError(problems)
    return found


def _arguments(given: list[str], problems: list[Problem]) -> dict[str, str]:
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not re.match(r"^SSM_\w+$", key):
            problems.append(
                Problem("--argument", f"{text!r} is not SSM_KEY=VALUE.", "The agent refuses keys that do not begin with SSM_.")
            )
        found[key] = value
    return found
