"""Whatever boto3 says, localorg understands; whatever localorg answers, boto3 understands: for every protocol."""

from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protocol.shape_values import for_botocore, structures, values, without_empty

from localorg.protocol.http import WireRequest
from localorg.protocol.models import operation_model, protocol_of
from localorg.protocol.parse import operation_of, parse
from localorg.protocol.serialise import serialise

OPERATIONS = [
    ("ssm", "SendCommand"),
    ("ssm", "StartAutomationExecution"),
    ("ssm", "GetAutomationExecution"),
    ("ssm", "PutParameter"),
    ("ssm", "UpdateInstanceAssociationStatus"),
    ("ssm", "ListInstanceAssociations"),
    ("ec2messages", "GetMessages"),
    ("organizations", "ListAccounts"),
    ("resourcegroupstaggingapi", "GetResources"),
    ("iam", "CreateRole"),
    ("iam", "ListRoles"),
    ("sts", "AssumeRole"),
    ("cloudformation", "CreateStackSet"),
    ("cloudformation", "DescribeStackEvents"),
    ("ec2", "DescribeInstances"),
    ("ec2", "CreateTags"),
    ("resource-groups", "CreateGroup"),
    ("resource-groups", "ListGroupResources"),
    ("resource-groups", "Tag"),
]
FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def sent_by_botocore(service: str, operation: str, params: dict[str, Any]) -> WireRequest:
    model = operation_model(service, operation)
    made = create_serializer(protocol_of(service), include_validation=False).serialize_to_request(params, model)
    path, _, literal = made["url_path"].partition("?")
    query = "&".join(part for part in (literal, urlencode(made["query_string"], doseq=True)) if part)
    body = made["body"]
    body = urlencode(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    return WireRequest(made["method"], path, query, {key.lower(): str(value) for key, value in made["headers"].items()}, body)


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_requests_of_botocore_are_understood(service: str, operation: str) -> None:
    """Documented: botocore's serialisers are AWS's own statement of each protocol."""
    shape = operation_model(service, operation).input_shape

    @FEW
    @given(st.data())
    def check(data: st.DataObject) -> None:
        required = {name: data.draw(values(shape.members[name], 1)) for name in shape.required_members}
        params = data.draw(structures(shape)) | required
        request = sent_by_botocore(service, operation, for_botocore(params, shape))
        assert operation_of(service, request) == operation
        assert without_empty(parse(service, operation, request)) == without_empty(params)

    check()


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_answers_are_understood_by_botocore(service: str, operation: str) -> None:
    """Documented: botocore's parsers are what boto3 and the aws CLI read."""
    shape = operation_model(service, operation).output_shape

    @FEW
    @given(structures(shape) if shape else st.just({}))
    def check(output: dict[str, Any]) -> None:
        response = serialise(service, operation, output, "request-1")
        raw = {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body}
        parsed = create_parser(protocol_of(service)).parse(raw, shape)
        assert parsed.pop("ResponseMetadata")["RequestId"] == "request-1"
        if shape:
            assert without_empty(parsed) == without_empty(for_botocore(output, shape))

    check()


def test_milliseconds_of_a_time_survive() -> None:
    """Documented: AWS JSON protocol, timestamps are epoch seconds with millisecond precision."""
    response = serialise("ssm", "ListInstanceAssociations", {"Associations": [{"LastExecutionDate": 1_800_000_000.123}]}, "r")
    assert b"1800000000.123" in response.body
