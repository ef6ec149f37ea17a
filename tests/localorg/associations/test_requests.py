"""What an association may ask for: documents, parameters, rights, and the parameters that are refused by name."""

from typing import Any

import pytest
from associations.harness import HUB, NEVER, ROLE, RUNBOOK, Harness

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import Access, Principal


def refused(house: Harness, **params: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        house.create(**params)
    return caught.value


def test_the_first_answer_is_pending_and_creating() -> None:
    """Documented: aws CLI example of create-association; the targets of an association without targets: update-association."""
    house = Harness()
    answer = house.call("CreateAssociation", Name="Roll", AssociationName="nightly", Parameters={"name": ["falcon"]})
    described = answer["AssociationDescription"]
    assert described == {
        "Name": "Roll",
        "AssociationId": described["AssociationId"],
        "AssociationVersion": "1",
        "AssociationName": "nightly",
        "DocumentVersion": "$DEFAULT",
        "Targets": [{"Key": "aws:NoOpAutomationTag", "Values": ["AWS-NoOpAutomationTarget-Value"]}],
        "Date": house.kernel.now(),
        "LastUpdateAssociationDate": house.kernel.now(),
        "Overview": {"Status": "Pending", "DetailedStatus": "Creating"},
        "Parameters": {"name": ["falcon"]},
        "ApplyOnlyAtCronInterval": False,
    }


def test_all_wrong_parameters_are_named() -> None:
    """Documented: API InvalidParameters; user guide, documents-syntax-data-elements-parameters, for the rules."""
    parameters = {
        "nmae": ["x"],
        "action": ["Dance"],
        "regions": ["a", "b", "c"],
        "arguments": ["[]"],
        "count": ["one"],
        "force": ["maybe"],
        "AutomationAssumeRole": ["a", "b"],
    }
    error = refused(Harness(), Parameters=parameters)
    assert error.code == "InvalidParameters"
    assert error.message == (
        "The parameters do not fit the document: nmae is no parameter; there are AutomationAssumeRole, name, prefix, action, "
        "regions, arguments, count, force; name is required; action must be one of Install, Uninstall, found 'Dance'; "
        "regions has 3 items, expected 0 to 2; arguments must be a JSON object, found '[]'; "
        "count must be a whole number, found 'one'; force must be true or false, found 'maybe'; "
        "AutomationAssumeRole takes one value, found 2."
    )


def test_a_name_must_match_its_pattern() -> None:
    """Documented: user guide, documents-syntax-data-elements-parameters: allowedPattern."""
    assert "name must match ^[a-z]{3,}$, found 'No'" in refused(Harness(), Parameters={"name": ["No"]}).message


def test_an_empty_text_means_a_default_that_is_empty() -> None:
    """Assumed: the seed's own call makes [""] for an empty prefix; Automation's values have at least one character."""
    house = Harness()
    house.create(Parameters={"name": ["falcon"], "prefix": [""], "arguments": ["{}"]})
    house.wait()
    assert house.automation.started[0].params["Parameters"] == {"name": ["falcon"], "arguments": ["{}"]}
    error = refused(house, Parameters={"name": [""], "action": [""]})
    assert "name is empty, which Automation cannot carry; leave it out for its default, or give a value" in error.message
    assert "action is empty" in error.message


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"Targets": [{"Key": "InstanceIds", "Values": ["*"]}]}, "the parameter Targets in CreateAssociation"),
        ({"InstanceId": "i-0123456789abcdef0"}, "the parameter InstanceId"),
        ({"MaxConcurrency": "1"}, "the parameter MaxConcurrency"),
        ({"CalendarNames": ["x"]}, "the parameter CalendarNames"),
        ({"Duration": 2}, "the parameter Duration"),
        ({"ScheduleOffset": 2}, "the parameter ScheduleOffset"),
        ({"TargetLocations": [{"Accounts": [HUB], "Regions": ["x"]}]}, "the parameter TargetLocations"),
        ({"OutputLocation": {"S3Location": {"OutputS3BucketName": "abc"}}}, "the parameter OutputLocation"),
        ({"SyncCompliance": "MANUAL"}, "SyncCompliance MANUAL"),
        ({"Name": "Shell"}, r"associations of Command documents \(Shell\) in State Manager"),
    ],
)
def test_what_is_not_done_is_refused_by_name(params: dict[str, Any], words: str) -> None:
    """Assumed: nothing; AWS takes all of these, localorg does not yet and says so."""
    house = Harness()
    house.documents.held["Shell"] = ("Command", {}, "1", "Active")
    with pytest.raises(AwsError, match=words) as caught:
        house.create(**params)
    assert caught.value.code == "NotImplemented"
    assert house.call("ListAssociations")["Associations"] == []


def test_documents_and_versions_must_exist() -> None:
    """Documented: API CreateAssociation errors."""
    house = Harness()
    assert refused(house, Name="Absent").code == "InvalidDocument"
    assert refused(house, DocumentVersion="7").code == "InvalidDocumentVersion"
    assert refused(house, ScheduleExpression="rate(1 minute)").code == "InvalidSchedule"
    late = refused(house, ScheduleExpression="rate(1 hour)", ApplyOnlyAtCronInterval=True)
    assert "ApplyOnlyAtCronInterval is not supported for rate expressions, found 'rate(1 hour)'" in late.message


def test_a_document_of_another_account_runs_at_its_default() -> None:
    """Documented: API CreateAssociation.DocumentVersion."""
    house = Harness()
    arn = "arn:aws:ssm:eu-west-1:222222222222:document/Roll"
    house.documents.held[arn] = ("Automation", RUNBOOK, "1", "Active")
    house.create(Name=arn, DocumentVersion="9")
    house.wait()
    assert house.automation.started[0].params["DocumentVersion"] == "$DEFAULT"


class Remembers:
    """An authoriser that notes what it is asked, and denies some actions."""

    def __init__(self, *denied: str) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.denied = denied

    def check(self, principal: Principal, region: str, access: Access) -> None:
        self.asked.append((access.action, access.resource, dict(access.context)))
        if access.action in self.denied:
            raise AccessDenied(
                f"User: {principal.arn} is not authorized to perform: {access.action} on resource: {access.resource}"
            )


def test_the_role_that_runs_will_assume_must_be_passed() -> None:
    """Documented: user guide, automation-setup: iam:PassRole, with ssm.amazonaws.com as the service it is passed to."""
    house = Harness()
    house.gateway.authoriser = remembers = Remembers()
    house.create(Parameters={"name": ["falcon"], "AutomationAssumeRole": [ROLE]})
    assert ("iam:PassRole", ROLE, {"iam:PassedToService": "ssm.amazonaws.com"}) in remembers.asked
    assert ("ssm:CreateAssociation", f"arn:aws:ssm:eu-west-1:{HUB}:document/Roll", {}) in remembers.asked
    house.gateway.authoriser = Remembers("iam:PassRole")
    with pytest.raises(AccessDenied, match="not authorized to perform: iam:PassRole on resource: " + ROLE):
        house.create(Parameters={"name": ["falcon"], "AutomationAssumeRole": [ROLE]})
    house.create()


def test_an_update_needs_the_right_to_describe() -> None:
    """Documented: API UpdateAssociation: without ssm:DescribeAssociation it is AccessDenied."""
    house = Harness()
    association = house.create()
    house.gateway.authoriser = Remembers("ssm:DescribeAssociation")
    with pytest.raises(AccessDenied, match=f"ssm:DescribeAssociation on resource: .*association/{association}"):
        house.call("UpdateAssociation", AssociationId=association, Parameters={"name": ["falcon"]})


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DescribeAssociation", {"AssociationId": NEVER}),
        ("UpdateAssociation", {"AssociationId": NEVER}),
        ("DeleteAssociation", {"AssociationId": NEVER}),
        ("ListAssociationVersions", {"AssociationId": NEVER}),
        ("StartAssociationsOnce", {"AssociationIds": [NEVER]}),
        ("DescribeAssociationExecutions", {"AssociationId": NEVER}),
        ("DescribeAssociationExecutionTargets", {"AssociationId": NEVER, "ExecutionId": NEVER}),
    ],
)
def test_unknown_associations(operation: str, params: dict[str, Any]) -> None:
    """Documented: API AssociationDoesNotExist; another account's association is unknown too."""
    with pytest.raises(AwsError) as caught:
        Harness().call(operation, **params)
    assert caught.value.code == "AssociationDoesNotExist"


def test_lists_are_filtered_and_paged() -> None:
    """Documented: API AssociationFilter, MaxResults and NextToken."""
    house = Harness()
    ids = [house.create(AssociationName=f"part-{number}") for number in range(3)]

    def found(**params: Any) -> list[str]:
        return [one["AssociationId"] for one in house.call("ListAssociations", **params)["Associations"]]

    assert found() == ids
    assert found(AssociationFilterList=[{"key": "AssociationName", "value": "part-1"}]) == [ids[1]]
    assert found(AssociationFilterList=[{"key": "Name", "value": "Other"}]) == []
    assert found(AssociationFilterList=[{"key": "AssociationStatusName", "value": "Pending"}]) == ids
    first = house.call("ListAssociations", MaxResults=2)
    assert found(MaxResults=2, NextToken=first["NextToken"]) == ids[2:]
    with pytest.raises(AwsError, match="the filter ResourceGroupName in ListAssociations"):
        Harness().call("ListAssociations", AssociationFilterList=[{"key": "ResourceGroupName", "value": "x"}])
    with pytest.raises(AwsError, match="The NextToken is not one that an earlier page gave"):
        found(NextToken="bm8=")
