"""What the actions that call an API have alike: the name of the operation, its params, and checks of both.

Rules: a service or operation that localorg's models do not have is refused when the runbook is created, if it is written out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localorg.automation.actions.action import Run, is_literal
from localorg.automation.api_values import UnknownApi, operation_named, to_params

CALL = ("Service", "Api")


def call_problems(inputs: Mapping[str, Any], place: str) -> Iterator[str]:
    """Yield what is wrong with Service and Api as written."""
    service, api = inputs.get("Service"), inputs.get("Api")
    if is_literal(service) and is_literal(api):
        try:
            operation_named(str(service), str(api))
        except UnknownApi as problem:
            yield f"{place}.inputs: {problem}"


def call_of(run: Run, own: tuple[str, ...] = ()) -> tuple[str, str, dict[str, Any]]:
    """Return service, operation and params; `own` are inputs of the action itself. Raises ValueError."""
    service = str(run.inputs["Service"])
    operation = operation_named(service, str(run.inputs["Api"]))
    members = {name: value for name, value in run.inputs.items() if name not in (*CALL, *own)}
    return service, operation, to_params(service, operation, members)
