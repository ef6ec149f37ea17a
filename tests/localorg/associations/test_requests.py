"""What an association may ask for: documents, parameters, rights, and the parameters that are refused by name."""

from typing import Any

import pytest
from associations.harness import HOME, HUB, NEVER, ROLE, RUNBOOK, Harness

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


@pytest.mark.parametrize("parameters", [{}, {"prefix": [""]}])
def test_a_runbook_may_be_started_without_parameters(parameters: dict[str, list[str]]) -> None:
    """Documented: API StartAutomationExecution: Parameters are optional, and not empty when there are any."""
    house = Harness()
    plain = {"schemaVersion": "0.3", "parameters": {"prefix": RUNBOOK["parameters"]["prefix"]}, "mainSteps": RUNBOOK["mainSteps"]}
    house.documents.held["Plain"] = ("Automation", plain, "1", "Active")
    association = house.create(Name="Plain", Parameters=parameters)
    house.wait()
    assert "Parameters" not in house.automation.started[0].params
    assert house.describe(association)["Overview"]["Status"] == "Pending"


ALARM = {"Alarms": [{"Name": "fire"}]}
S3 = {"S3Location": {"OutputS3BucketName": "abc"}}
PLACE = {"Accounts": [HUB], "Regions": [HOME], "ExecutionRoleName": "r", "TargetLocationAlarmConfiguration": ALARM}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"AlarmConfiguration": ALARM}, "the parameter AlarmConfiguration in CreateAssociation"),
        ({"TargetLocations": [PLACE]}, "TargetLocationAlarmConfiguration of TargetLocations"),
        ({"OutputLocation": S3}, "OutputLocation for runbooks"),
        ({"Name": "State"}, r"associations of Policy documents \(State\) in State Manager"),
    ],
)
def test_what_is_not_done_is_refused_by_name(params: dict[str, Any], words: str) -> None:
    """Assumed: nothing; AWS takes all of these, localorg does not and says so."""
    house = Harness()
    house.documents.held["State"] = ("Policy", {}, "1", "Active")
    with pytest.raises(AwsError, match=words) as caught:
        house.create(**params)
    assert caught.value.code == "NotImplemented"
    assert house.call("ListAssociations")["Associations"] == []


NODE = [{"Key": "InstanceIds", "Values": ["i-00000000000000001"]}]
CRON = "cron(0 2 ? * SUN *)"


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"Targets": NODE}, "InvalidTarget", "Must specify both Automation Target Parameter Name and Targets"),
        ({"AutomationTargetParameterName": "name"}, "InvalidTarget", "Must specify both"),
        ({"Targets": NODE, "TargetMaps": [{"name": ["a"]}]}, "InvalidTargetMaps", "cannot be specified together"),
        ({"Targets": NODE, "AutomationTargetParameterName": "absent"}, "InvalidParameters", "absent is no parameter"),
        ({"Targets": [{"Key": "Colour", "Values": ["x"]}], "AutomationTargetParameterName": "name"}, "InvalidTarget", "Colour"),
        ({"Name": "Script", "Parameters": {}}, "InvalidTarget", "needs Targets"),
        ({"Name": "Script", "Parameters": {}, "Targets": [{"Key": "Colour", "Values": ["x"]}]}, "InvalidTarget", "Colour"),
        ({"Name": "Script", "Parameters": {}, "Targets": [{"Key": "tag:Role", "Values": []}]}, "InvalidTarget", "at least one"),
        (
            {"Name": "Script", "Parameters": {}, "Targets": [{"Key": "resource-groups:Name", "Values": ["a", "b"]}]},
            "InvalidTarget",
            "one group, found 2",
        ),
        ({"Name": "Script", "Parameters": {"nope": ["x"]}, "Targets": NODE}, "InvalidParameters", "nope is no parameter"),
        ({"Name": "Script", "Targets": NODE, "TargetMaps": [{"word": ["a"]}]}, "InvalidTargetMaps", "together"),
        ({"Name": "Script", "Targets": NODE, "OutputLocation": {"S3Location": {}}, "Parameters": {}}, "", ""),
        (
            {"Name": "Script", "Targets": NODE, "OutputLocation": {"S3Location": {"OutputS3KeyPrefix": "x"}}, "Parameters": {}},
            "InvalidOutputLocation",
            "needs OutputS3BucketName",
        ),
        ({"Name": "Zip"}, "InvalidDocument", "Zip is of type Package"),
        ({"ScheduleOffset": 2, "ScheduleExpression": CRON}, "InvalidSchedule", "ScheduleOffset needs"),
        (
            {"ScheduleOffset": 2, "ScheduleExpression": "at(2027-02-01T00:00:00)", "ApplyOnlyAtCronInterval": True},
            "InvalidSchedule",
            "ScheduleOffset needs",
        ),
        ({"Name": "Old", "Parameters": {}, "InstanceId": "i-00000000000000009"}, "InvalidInstanceId", "no managed node"),
        ({"Name": "Script", "Parameters": {}, "InstanceId": "i-00000000000000001"}, "InvalidDocument", "schema 1.2"),
        (
            {"Name": "Old", "Parameters": {}, "InstanceId": "i-00000000000000001", "ScheduleExpression": CRON},
            "ValidationException",
            "With InstanceId there can be no ScheduleExpression",
        ),
        ({"Name": "Old", "Parameters": {}, "InstanceId": "i-00000000000000001", "Targets": NODE}, "InvalidTarget", "not both"),
        ({"InstanceId": "i-00000000000000001"}, "InvalidTarget", "takes no InstanceId"),
    ],
)
def test_what_makes_no_sense_is_refused_in_the_models_words(params: dict[str, Any], code: str, words: str) -> None:
    """Documented: API CreateAssociation: the rules of each parameter, and its errors. Assumed: which error stands for which rule."""
    house = Harness()
    house.fleet.add(1)
    if not code:
        house.create(**params)
        return
    error = refused(house, **params)
    assert (error.code, words in error.message) == (code, True), error


def test_legacy_associations_are_known_by_document_and_node() -> None:
    """Documented: API AssociationAlreadyExists, DeleteAssociation and DescribeAssociation by Name and InstanceId, StatusUnchanged;
    aws CLI example 1 of create-association for what is shown.
    """
    house = Harness()
    pair = {"Name": "Old", "InstanceId": house.fleet.add(1)}
    made = house.call("CreateAssociation", **pair)["AssociationDescription"]
    assert made["InstanceId"] == pair["InstanceId"]
    assert (made["Status"]["Name"], made["Status"]["Message"]) == ("Associated", "Associated with Old")
    assert "Parameters" not in made
    with pytest.raises(AwsError, match="AssociationAlreadyExists"):
        house.call("CreateAssociation", **pair)
    assert house.call("DescribeAssociation", **pair)["AssociationDescription"]["AssociationId"] == made["AssociationId"]
    only = [{"key": "InstanceId", "value": pair["InstanceId"]}]
    assert len(house.call("ListAssociations", AssociationFilterList=only)["Associations"]) == 1
    status = {"Date": 1_800_000_000.0, "Name": "Success", "Message": "fine"}
    shown = house.call("UpdateAssociationStatus", **pair, AssociationStatus=status)["AssociationDescription"]
    assert shown["Status"]["Name"] == "Success"
    with pytest.raises(AwsError, match="StatusUnchanged"):
        house.call("UpdateAssociationStatus", **pair, AssociationStatus=status)
    house.call("DeleteAssociation", **pair)
    with pytest.raises(AwsError, match="AssociationDoesNotExist"):
        house.call("DescribeAssociation", **pair)
    with pytest.raises(AwsError, match="needs AssociationId, or Name and InstanceId"):
        house.call("DeleteAssociation", Name="Old")


def test_a_batch_tells_what_failed_and_why() -> None:
    """Documented: API CreateAssociationBatch: Successful and Failed, the latter with Entry, Message and Fault."""
    house = Harness()
    good, bad = {"Name": "Script", "Targets": NODE}, {"Name": "Absent", "Targets": NODE}
    answer = house.call("CreateAssociationBatch", Entries=[good, bad])
    assert [one["Name"] for one in answer["Successful"]] == ["Script"]
    (failed,) = answer["Failed"]
    assert (failed["Entry"], failed["Fault"], failed["Message"].split(":")[0]) == (bad, "Client", "InvalidDocument")
    node = house.fleet.add(1)
    with pytest.raises(AwsError, match="DuplicateInstanceId"):
        house.call("CreateAssociationBatch", Entries=[{"Name": "Old", "InstanceId": node}] * 2)


def test_everything_that_is_asked_is_shown() -> None:
    """Documented: API AssociationDescription, Association, AssociationVersionInfo."""
    house = Harness()
    asked = {
        "Targets": NODE,
        "OutputLocation": S3,
        "MaxErrors": "10%",
        "MaxConcurrency": "50%",
        "ComplianceSeverity": "HIGH",
        "SyncCompliance": "MANUAL",
        "ApplyOnlyAtCronInterval": True,
        "CalendarNames": ["quiet"],
        "ScheduleExpression": CRON,
        "ScheduleOffset": 3,
        "Duration": 2,
        "AssociationName": "weekly",
    }
    association = house.create(Name="Script", Parameters={}, **asked)
    assert {**house.describe(association), **asked} == house.describe(association)
    (version,) = house.call("ListAssociationVersions", AssociationId=association)["AssociationVersions"]
    assert {**version, **asked} == version
    (listed,) = house.call("ListAssociations")["Associations"]
    assert (listed["ScheduleOffset"], listed["Duration"]) == (3, 2)
    house.call("UpdateAssociation", AssociationId=association, Targets=NODE)
    assert not (set(asked) - {"Targets", "ApplyOnlyAtCronInterval"}) & set(house.describe(association))
    with pytest.raises(AwsError, match="InvalidUpdate: .* is for a document of type Command, not Automation"):
        house.call("UpdateAssociation", AssociationId=association, Name="Roll", Parameters={"name": ["falcon"]})


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
    group = house.create(Name="Script", Parameters={}, Targets=[{"Key": "resource-groups:Name", "Values": ["fleet"]}])
    assert found(AssociationFilterList=[{"key": "ResourceGroupName", "value": "fleet"}]) == [group]
    with pytest.raises(AwsError, match="the filter CloudConnectorId in ListAssociations"):
        found(AssociationFilterList=[{"key": "CloudConnectorId", "value": "x"}])
    with pytest.raises(AwsError, match="The NextToken is not one that an earlier page gave"):
        found(NextToken="bm8=")
