"""What AWS refuses, localorg refuses, in AWS's words and all at once."""

from typing import Any

import pytest

from localorg.kernel.errors import AwsError
from localorg.protocol.validate import validate

RUNBOOK = {"DocumentName": "CSD-Distribute"}


def refusal(service: str, operation: str, params: dict[str, Any]) -> AwsError:
    with pytest.raises(AwsError) as caught:
        validate(service, operation, params)
    return caught.value


def test_a_length_may_be_left_open() -> None:
    """Open question parameter-length: the limit of one shape counts, or does not; all other limits stay."""
    long = {"DocumentName": "Book", "Parameters": {"P": ["x" * 513]}}
    assert "less than or equal to 512" in refusal("ssm", "StartAutomationExecution", long).message
    open_length = frozenset({"AutomationParameterValue"})
    validate("ssm", "StartAutomationExecution", long, open_length)
    with pytest.raises(AwsError, match="less than or equal to 50"):
        validate("ssm", "StartAutomationExecution", {**long, "Parameters": {"P" * 51: ["x"]}}, open_length)


def test_good_parameters_pass() -> None:
    """A call with every member within its bounds is not touched."""
    validate(
        "ssm", "SendCommand", {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-0123456789abcdef0"], "MaxErrors": "10%"}
    )


ROWS = [
    (
        "ssm",
        "SendCommand",
        {},
        "ValidationException",
        "1 validation error detected: Value null at 'documentName' failed to satisfy constraint: Member must not be null",
    ),
    (
        "ssm",
        "SendCommand",
        {"DocumentName": "a", "MaxErrors": "abc"},
        "ValidationException",
        (
            "2 validation errors detected: Value 'a' at 'documentName' failed to satisfy constraint: Member must satisfy regular "
            r"expression pattern: ^[a-zA-Z0-9_\-.:/]{3,128}$; Value 'abc' at 'maxErrors' failed to satisfy constraint: Member must satisfy "
            "regular expression pattern: ^([1-9][0-9]*|[0]|[1-9][0-9]%|[0-9]%|100%)$"
        ),
    ),
    (
        "ssm",
        "SendCommand",
        {"DocumentName": "abc", "InstanceIds": ["i-0123456789abcdef0", "web-1"]},
        "ValidationException",
        (
            "1 validation error detected: Value '[i-0123456789abcdef0, web-1]' at 'instanceIds' failed to satisfy constraint: Member must "
            r"satisfy constraint: [Member must satisfy regular expression pattern: (^i-(\w{8}|\w{17})$)|(^mi-\w{17}$)]"
        ),
    ),
    (
        "ssm",
        "AddTagsToResource",
        {"ResourceType": "Nodes", "ResourceId": "x", "Tags": [{"Key": "", "Value": "v"}]},
        "ValidationException",
        "Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ),
    (
        "ssm",
        "ModifyDocumentPermission",
        {"Name": "abc", "PermissionType": "Share", "AccountIdsToAdd": [f"{number:012d}" for number in range(21)]},
        "ValidationException",
        "at 'accountIdsToAdd' failed to satisfy constraint: Member must have length less than or equal to 20",
    ),
    (
        "ssm",
        "StartAutomationExecution",
        {**RUNBOOK, "TargetLocations": [{"Accounts": [f"{number:012d}" for number in range(51)]}]},
        "ValidationException",
        "at 'targetLocations.1.member.accounts' failed to satisfy constraint: Member must have length less than or equal to 50",
    ),
    (
        "ssm",
        "DescribeInstanceInformation",
        {"MaxResults": 51},
        "ValidationException",
        "Value '51' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50",
    ),
    (
        "ssm",
        "DeleteDocument",
        {"Name": "abc", "Colour": "red"},
        "ValidationException",
        (
            "1 validation error detected (of DeleteDocument): Parameter 'Colour' is not a member; the members are: "
            "Name, DocumentVersion, VersionName, Force"
        ),
    ),
    (
        "ssm",
        "DeleteDocument",
        {"Name": "abc", "Force": "yes"},
        "SerializationException",
        "1 validation error detected: Parameter 'force' must be a boolean, found str",
    ),
    (
        "ssm",
        "StartAutomationExecution",
        {**RUNBOOK, "Parameters": {"k" * 51: ["v"]}},
        "ValidationException",
        "Map keys must satisfy constraint: [Member must have length less than or equal to 50",
    ),
    (
        "sts",
        "AssumeRole",
        {"RoleArn": "x", "RoleSessionName": "s"},
        "ValidationError",
        "2 validation errors detected: Value 'x' at 'roleArn'",
    ),
    (
        "organizations",
        "DescribeAccount",
        {"AccountId": "1"},
        "InvalidInputException",
        "Value '1' at 'accountId' failed to satisfy",
    ),
    ("ec2", "CreateTags", {"Tags": []}, "MissingParameter", "The request must contain the parameter resources"),
    (
        "ec2",
        "DescribeInstances",
        {"MaxResults": "many"},
        "InvalidParameterValue",
        "Parameter 'maxResults' must be a integer, found str",
    ),
    (
        "ec2messages",
        "FailMessage",
        {"MessageId": "m", "FailureType": "Bored"},
        "ValidationException",
        "enum value set: [InternalHandler",
    ),
]


@pytest.mark.parametrize(("service", "operation", "params", "code", "words"), ROWS)
def test_a_refusal_has_the_services_code_and_awss_words(
    service: str, operation: str, params: dict[str, Any], code: str, words: str
) -> None:
    """Documented: "Common errors" of each API reference; the sentences as AWS's services print them."""
    error = refusal(service, operation, params)
    assert error.code == code
    assert words in error.message


def test_a_secret_value_is_not_repeated_in_the_refusal() -> None:
    """Assumed: AWS leaves the value out of the sentence for members that the model marks as sensitive."""
    error = refusal("iam", "UpdateLoginProfile", {"UserName": "u", "Password": "p" * 129})
    assert "Value at 'password' failed to satisfy constraint" in error.message
    assert "pppp" not in error.message


def test_shapes_that_contain_themselves_end() -> None:
    """OpsAggregators nest without bound in the model; the check follows the data, not the model."""
    params: dict[str, Any] = {"Aggregators": [{"Aggregators": [{"Aggregators": [{"AggregatorType": ""}]}]}]}
    error = refusal("ssm", "GetOpsSummary", params)
    assert "at 'aggregators.1.member.aggregators.1.member.aggregators.1.member.aggregatorType'" in error.message
