"""Requests become parameters: which operation is called, and with what, for each wire protocol.

Flow: WireRequest -> `operation_of` (X-Amz-Target, Action, or method and path) -> `parse` -> params in the model's shape, timestamps as
epoch seconds and blobs as bytes.
Rules: a value that cannot be converted is left as it came, so that the validator reports it together with all other problems.
Only a body that cannot be read at all is refused here.
Refuses to know: who calls (the server's signature check) and what is valid (validate).
"""

from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol import parse_json, parse_query, parse_rest
from localorg.protocol.calls import Params
from localorg.protocol.http import WireRequest
from localorg.protocol.models import operation_model, protocol_of, service_model


def operation_of(service: str, request: WireRequest) -> str:
    """Return the name of the operation that `request` calls. Raises AwsError when there is none or it is unknown."""
    match protocol_of(service):
        case "json":
            operation = _from_target(service, request)
        case "query" | "ec2":
            operation = parse_query.action(request)
        case _:
            return parse_rest.operation_of(service, request)
    operation_model(service, operation)
    return operation


def parse(service: str, operation: str, request: WireRequest) -> Params:
    """Return the parameters of `request`. Raises AwsError when the body cannot be read."""
    match protocol_of(service):
        case "json":
            return parse_json.parse(service, operation, request.body)
        case "query":
            return parse_query.parse(service, operation, request)
        case "ec2":
            return parse_query.parse(service, operation, request)
        case _:
            return parse_rest.parse(service, operation, request)


def _from_target(service: str, request: WireRequest) -> str:
    target = request.headers.get("x-amz-target", "")
    prefix, _, operation = target.rpartition(".")
    expected = service_model(service).metadata["targetPrefix"]
    if not target:
        # AWS: JSON services answer UnknownOperationException when X-Amz-Target is missing.
        raise AwsError(
            "UnknownOperationException", f"the header X-Amz-Target is missing; {service} expects {expected}.<Operation>"
        )
    if prefix != expected:
        raise NotSupported(f"the X-Amz-Target {target}", f"{service} (expected {expected}.<Operation>)")
    return operation
