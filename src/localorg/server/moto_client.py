"""Engines' calls to borrowed services as HTTP and back: botocore's own serialiser and parser, without its client.

The output has plain values: timestamps as epoch seconds, a streamed body as bytes.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode

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


def narrowed(operation: str, request: WireRequest) -> WireRequest:
    """Return a request for S3 with only what its operation knows: each query parameter once, and no `x-amz-` header of another one.

    What is judged and what is performed are two readings of one request; what only one of them would see is taken out.
    """
    names, headers = _known(operation)
    query: dict[str, str] = {}
    for part in request.query.split("&"):
        name = unquote_plus(part.partition("=")[0])
        if name in names:
            query.setdefault(name, part)
    kept = {
        name: value
        for name, value in request.headers.items()
        if not name.startswith("x-amz-") or name in headers or name.startswith("x-amz-meta-")
    }
    return WireRequest(request.method, request.path, "&".join(query.values()), kept, request.body)


@cache
def _known(operation: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the query parameters and the headers of an operation of S3."""
    model = operation_model("s3", operation)
    literal = model.http["requestUri"].partition("?")[2]
    names = {part.partition("=")[0] for part in literal.split("&") if part}
    headers: set[str] = set()
    for name, member in (model.input_shape.members if model.input_shape else {}).items():
        wire = str(member.serialization.get("name", name))
        match member.serialization.get("location"):
            case "querystring":
                names.add(wire)
            case "header":
                headers.add(wire.lower())
            case _:
                pass
    return frozenset(names), frozenset(headers)


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
