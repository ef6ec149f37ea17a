"""Engines' calls to borrowed services as HTTP and back: botocore's own serialiser and parser, without its client.

The output has plain values: timestamps as epoch seconds, a streamed body as bytes.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from botocore.awsrequest import HeadersDict
from botocore.parsers import ResponseParserFactory
from botocore.serialize import create_serializer
from botocore.utils import parse_timestamp

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Output, Params
from localorg.protocol.http import WireRequest, WireResponse
from localorg.protocol.models import operation_model, protocol_of


def to_request(service: str, operation: str, params: Params) -> WireRequest:
    """Return the HTTP request that boto3 would send."""
    model = operation_model(service, operation)
    made: Mapping[str, Any] = create_serializer(protocol_of(service), include_validation=False).serialize_to_request(
        params, model
    )
    path, _, literal = str(made["url_path"]).partition("?")
    query = "&".join(part for part in (literal, urlencode(made["query_string"], quote_via=quote, doseq=True)) if part)
    headers = {str(name).lower(): str(value) for name, value in made["headers"].items()}
    body = made["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    if isinstance(body, str):
        body = body.encode("utf-8")
    return WireRequest(made["method"], path, query, headers, body)


def from_response(service: str, operation: str, response: WireResponse) -> Output:
    """Return the output in `response`. Raises AwsError when it is an error."""
    model = operation_model(service, operation)
    shape = model.output_shape
    streamed = model.has_streaming_output and response.status < 300
    raw = {
        "status_code": response.status,
        "headers": HeadersDict({"content-length": str(len(response.body)), **response.headers}),
        "body": b"" if streamed else response.body,
        "context": {"operation_name": operation},
    }
    parsed: Output = _parser(service).parse(raw, shape)
    parsed.pop("ResponseMetadata", None)
    if response.status >= 300:
        error = parsed.get("Error", {})
        raise AwsError(str(error.get("Code") or response.status), str(error.get("Message") or "no message"), response.status)
    if streamed:
        parsed[shape.serialization["payload"]] = response.body
    return parsed


@cache
def _parser(service: str) -> Any:
    factory = ResponseParserFactory()
    factory.set_parser_defaults(timestamp_parser=_epoch)
    return factory.create_parser(protocol_of(service))


def _epoch(value: Any) -> float:
    moment: datetime = parse_timestamp(value)
    return moment.timestamp()
