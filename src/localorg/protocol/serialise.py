"""Outputs become bytes, along the output shape of the operation and in the protocol of its service.

Rules: an output member that the model does not have, or a value of another type than the model's, is a defect of the engine and
raises `OutputDefect` (the caller gets InternalServerError, the log gets the sentence). None means absent.
Refuses to know: errors (serialise_error).
"""

from localorg.protocol import serialise_json, serialise_rest, serialise_xml
from localorg.protocol.calls import Output
from localorg.protocol.http import WireResponse
from localorg.protocol.models import protocol_of


def serialise(service: str, operation: str, output: Output, request_id: str) -> WireResponse:
    """Return the successful response for `output`. Raises OutputDefect when the engine's output does not fit its model."""
    match protocol_of(service):
        case "json":
            return serialise_json.response(service, operation, output, request_id)
        case "query":
            return serialise_xml.query_response(service, operation, output, request_id)
        case "ec2":
            return serialise_xml.ec2_response(service, operation, output, request_id)
        case _:
            return serialise_rest.response(service, operation, output, request_id)
