"""Refusals become bytes: the same AwsError in the form, code and status of the protocol that the caller speaks.

    json        400 (500 for faults)   {"__type": "InvalidDocument", "message": "..."}
    rest-json   status of the model    the same body, code in x-amzn-errortype
    query       status of the model    <ErrorResponse><Error><Type/><Code/><Message/></Error><RequestId/></ErrorResponse>
    ec2         400                    <Response><Errors><Error><Code/><Message/></Error></Errors><RequestID/></Response>
    rest-xml    S3's status            <Error><Code/><Message/><RequestId/></Error>

Rules: engines raise the name of the model's error shape or its wire code; the wire always says the code. Errors that belong to no
model (AccessDenied, throttling, unsupported) get the protocol's usual name.
"""

from functools import cache
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import orjson

from localorg.kernel.errors import AwsError
from localorg.protocol.http import WireResponse
from localorg.protocol.models import Protocol, service_model
from localorg.protocol.serialise_xml import NOT_XML

SPELLINGS: dict[str, dict[str, tuple[str, int]]] = {
    # AWS: "Common errors" of the query APIs; EC2 "Error codes"; S3 "Error responses".
    "AccessDeniedException": {
        "query": ("AccessDenied", 403),
        "ec2": ("UnauthorizedOperation", 403),
        "rest-xml": ("AccessDenied", 403),
        "rest-json": ("ForbiddenException", 403),
    },
    "InternalServerError": {
        "query": ("InternalFailure", 500),
        "ec2": ("InternalError", 500),
        "rest-xml": ("InternalError", 500),
        "rest-json": ("InternalServerErrorException", 500),
        "json": ("InternalServerError", 500),
    },
    "NotImplemented": {"rest-xml": ("NotImplemented", 501)},
    "UnrecognizedClientException": {
        "query": ("InvalidClientTokenId", 403),
        "ec2": ("AuthFailure", 401),
        "rest-xml": ("InvalidAccessKeyId", 403),
        "rest-json": ("UnrecognizedClientException", 403),
    },
    "InvalidSignatureException": {
        "query": ("SignatureDoesNotMatch", 403),
        "ec2": ("AuthFailure", 401),
        "rest-xml": ("SignatureDoesNotMatch", 403),
        "rest-json": ("InvalidSignatureException", 403),
    },
    "RequestTimeTooSkewed": {
        "json": ("InvalidSignatureException", 400),
        "rest-json": ("InvalidSignatureException", 403),
        "query": ("SignatureDoesNotMatch", 403),
        "ec2": ("RequestExpired", 400),
        "rest-xml": ("RequestTimeTooSkewed", 403),
    },
    "ExpiredTokenException": {
        "query": ("ExpiredToken", 403),
        "ec2": ("RequestExpired", 400),
        "rest-xml": ("ExpiredToken", 400),
        "rest-json": ("ExpiredTokenException", 403),
    },
    "MissingAuthenticationTokenException": {
        "query": ("MissingAuthenticationToken", 403),
        # AWS: EC2 API reference, "Client error codes", MissingAuthenticationToken. ASSUMED: the status.
        "ec2": ("MissingAuthenticationToken", 403),
        "rest-xml": ("AccessDenied", 403),
        "rest-json": ("MissingAuthenticationTokenException", 403),
    },
    "IncompleteSignatureException": {
        "query": ("IncompleteSignature", 400),
        "ec2": ("IncompleteSignature", 400),
        "rest-xml": ("AuthorizationHeaderMalformed", 400),
    },
}
"""Errors every service has, and what each protocol calls them: (code, HTTP status)."""
WORDS: dict[str, dict[str, str]] = {
    "The security token included in the request is invalid.": {
        "ec2": "AWS was not able to validate the provided access credentials",
        "rest-xml": "The AWS Access Key Id you provided does not exist in our records.",
    },
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.": {
        "ec2": "AWS was not able to validate the provided access credentials",
        "rest-xml": "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    },
    "The security token included in the request is expired": {
        "ec2": "Request has expired.",
        "rest-xml": "The provided token has expired.",
    },
    "Missing Authentication Token": {
        "query": "Request is missing Authentication Token",
        "ec2": "Request is missing Authentication Token",
        "rest-xml": "Access Denied",
    },
}
"""AWS: what is wrong with credentials is told in words that differ by protocol: the JSON services' words -> another protocol's."""
MESSAGE_CHARACTERS_MAX = 20_000
NO_MESSAGE_CASE = {"message", "Message"}


class Spelling(NamedTuple):
    """How one error looks in one protocol."""

    code: str
    status: int
    message_member: str
    members: dict[str, str]
    """Python name -> wire name of the modelled members."""


def serialise_error(service: str | None, protocol: Protocol, error: AwsError, request_id: str) -> WireResponse:
    """Return the response for `error`; `service` is None when the request named none that we know."""
    spelling = _spelling(service, protocol, error.code, error.status)
    words = WORDS.get(error.message, {}).get(protocol, error.message)
    error = AwsError(error.code, text_of(words), error.status, **error.members)
    match protocol:
        case "json" | "rest-json":
            return _json(service, protocol, spelling, error, request_id)
        case "ec2":
            inner = f"<Error><Code>{escape(spelling.code)}</Code><Message>{escape(error.message)}</Message></Error>"
            return _xml(spelling, f"<Response><Errors>{inner}</Errors><RequestID>{request_id}</RequestID></Response>", request_id)
        case "query":
            return _xml(spelling, _query(service, spelling, error, request_id), request_id)
        case _:
            extra = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in error.members.items())
            inner = f"<Code>{escape(spelling.code)}</Code><Message>{escape(error.message)}</Message>{extra}"
            return _xml(spelling, f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>", request_id)


def text_of(message: str) -> str:
    """Return a message that every protocol can carry, whatever of the caller's own words it repeats, and of a sensible length."""
    shown = NOT_XML.sub("\ufffd", message)
    return shown if len(shown) <= MESSAGE_CHARACTERS_MAX else f"{shown[:MESSAGE_CHARACTERS_MAX]}... ({len(shown)} characters)"


def _spelling(service: str | None, protocol: Protocol, code: str, status: int) -> Spelling:
    usual = SPELLINGS.get(code, {}).get(protocol)
    modelled = _errors(service).get(code) if service else None
    if usual and (protocol != "json" or modelled is None):
        return Spelling(usual[0], usual[1], "message", {})
    if modelled:
        return modelled._replace(status=_status(protocol, modelled.status, status))
    return Spelling(code, status, "message", {})


def _status(protocol: Protocol, modelled: int, raised: int) -> int:
    if raised >= 500 or modelled >= 500:
        return 500
    # AWS: awsJson answers every client error with 400; the other protocols use the model's status.
    return 400 if protocol == "json" else modelled or raised


@cache
def _errors(service: str) -> dict[str, Spelling]:
    model = service_model(service)
    found: dict[str, Spelling] = {}
    for shape in model.error_shapes:
        error: dict[str, Any] = shape.metadata.get("error", {})
        fault = 500 if shape.metadata.get("fault") or error.get("fault") else 0
        status = int(error.get("httpStatusCode", fault))
        code = str(error.get("code", shape.name))
        names = {name: member.serialization.get("name", name) for name, member in shape.members.items()}
        message = next((name for name in names if name in NO_MESSAGE_CASE), "message")
        spelling = Spelling(code, status, message, names)
        found[shape.name] = spelling
        found.setdefault(code, spelling)
    return found


def _json(service: str | None, protocol: Protocol, spelling: Spelling, error: AwsError, request_id: str) -> WireResponse:
    content: dict[str, Any] = {} if protocol == "rest-json" else {"__type": spelling.code}
    content[spelling.message_member] = error.message
    content |= {spelling.members.get(name, name): value for name, value in error.members.items()}
    version = service_model(service).metadata.get("jsonVersion", "1.1") if service else "1.1"
    kind = "application/json" if protocol == "rest-json" else f"application/x-amz-json-{version}"
    headers = {"content-type": kind, "x-amzn-requestid": request_id, "x-amzn-errortype": spelling.code}
    return WireResponse(spelling.status, headers, orjson.dumps(content))


def _query(service: str | None, spelling: Spelling, error: AwsError, request_id: str) -> str:
    namespace = service_model(service).metadata.get("xmlNamespace", "") if service else ""
    side = "Receiver" if spelling.status >= 500 else "Sender"
    extra = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in error.members.items())
    inner = f"<Type>{side}</Type><Code>{escape(spelling.code)}</Code><Message>{escape(error.message)}</Message>{extra}"
    return f'<ErrorResponse xmlns="{namespace}"><Error>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>'


def _xml(spelling: Spelling, text: str, request_id: str) -> WireResponse:
    headers = {"content-type": "text/xml", "x-amzn-requestid": request_id, "x-amz-request-id": request_id}
    return WireResponse(spelling.status, headers, b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode())
