"""State Manager: what an association may ask for, what is shown of it, its versions, and what is refused."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.claims import assumed, documented, refused
from conformance.target import Account

Unique = Callable[[str], str]
NEVER = "00000000-0000-0000-0000-000000000000"
NOBODY = [{"Key": "tag:conformance-nobody", "Values": ["nobody"]}]
CRON = "cron(0 2 ? * SUN *)"
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def make(member: Account, unique: Unique) -> Iterator[Make]:
    """Makes associations of AWS-RunShellScript for nobody; they go when the claim is made."""
    ssm, made = member.client("ssm"), []

    def create(**params: Any) -> dict[str, Any]:
        asked = {"Name": "AWS-RunShellScript", "Targets": NOBODY, "Parameters": {"commands": ["true"]}}
        answer: dict[str, Any] = ssm.create_association(**{**asked, **params})["AssociationDescription"]
        made.append(answer["AssociationId"])
        return answer

    yield create
    for identifier in made:
        ssm.delete_association(AssociationId=identifier)


@documented("aws CLI, create-association: the answer's Overview")
def test_the_first_answer_is_pending_and_creating(make: Make) -> None:
    """CreateAssociation answers with version 1, Overview Pending and Creating."""
    made = make()
    assert (made["AssociationVersion"], made["Overview"]["Status"], made["Overview"]["DetailedStatus"]) == (
        "1",
        "Pending",
        "Creating",
    )


@documented("API CreateAssociation.Targets: Command documents run on targets")
def test_a_command_association_needs_targets(member: Account) -> None:
    """An association of a Command document without Targets is InvalidTarget."""
    with refused("InvalidTarget"):
        member.client("ssm").create_association(Name="AWS-RunShellScript", Parameters={"commands": ["true"]})


@documented("API CreateAssociation, InvalidDocument")
def test_the_document_must_exist(make: Make, unique: Unique) -> None:
    """An association of a document that is not there is InvalidDocument."""
    with refused("InvalidDocument"):
        make(Name=unique("absent"))


@documented("API CreateAssociation, InvalidParameters")
def test_parameters_must_be_the_documents(make: Make) -> None:
    """A parameter that the document does not declare is InvalidParameters."""
    with refused("InvalidParameters"):
        make(Parameters={"commands": ["true"], "nonsense": ["x"]})


@documented("user guide, reference-cron-and-rate-expressions: associations run every 30 minutes at most")
def test_a_rate_is_at_least_thirty_minutes(make: Make) -> None:
    """rate(29 minutes) is InvalidSchedule."""
    with refused("InvalidSchedule"):
        make(ScheduleExpression="rate(29 minutes)")


@documented("user guide, reference-cron-and-rate-expressions: singular for one")
def test_one_hour_is_singular(make: Make) -> None:
    """rate(1 hours) is InvalidSchedule, rate(1 hour) is accepted."""
    with refused("InvalidSchedule"):
        make(ScheduleExpression="rate(1 hours)")
    assert make(ScheduleExpression="rate(1 hour)")["ScheduleExpression"] == "rate(1 hour)"


@documented("user guide, reference-cron-and-rate-expressions: DOW#n and nL")
@pytest.mark.parametrize(
    "expression", ["cron(0 0 ? * THU#2 *)", "cron(0 0 ? * 3L *)", "cron(0 0/30 * 1/1 * ? *)", "at(2099-01-01T00:00:00)"]
)
def test_documented_schedules_are_accepted(make: Make, expression: str) -> None:
    """The n-th weekday, the last weekday, every thirty minutes and a single time are accepted."""
    assert make(ScheduleExpression=expression)["ScheduleExpression"] == expression


@documented("API ScheduleOffset: needs ApplyOnlyAtCronInterval")
def test_an_offset_needs_only_at_interval(make: Make) -> None:
    """ScheduleOffset without ApplyOnlyAtCronInterval is refused; with it, it is shown."""
    with refused("InvalidSchedule"):
        make(ScheduleExpression=CRON, ScheduleOffset=2)
    assert make(ScheduleExpression=CRON, ScheduleOffset=2, ApplyOnlyAtCronInterval=True)["ScheduleOffset"] == 2


@documented("API ApplyOnlyAtCronInterval: not supported for rate expressions")
def test_only_at_interval_is_not_for_rates(make: Make) -> None:
    """ApplyOnlyAtCronInterval with a rate is refused."""
    with refused("InvalidSchedule"):
        make(ScheduleExpression="rate(1 day)", ApplyOnlyAtCronInterval=True)


@documented("API UpdateAssociation: omitted parameters become null")
def test_an_update_forgets_what_it_leaves_out(member: Account, make: Make, unique: Unique) -> None:
    """UpdateAssociation makes a version, and optional parameters that it leaves out are gone."""
    made = make(AssociationName=unique("weekly"), ScheduleExpression=CRON, ComplianceSeverity="HIGH", MaxErrors="1")
    ssm = member.client("ssm")
    ssm.update_association(AssociationId=made["AssociationId"], Targets=NOBODY, Parameters={"commands": ["false"]})
    held = ssm.describe_association(AssociationId=made["AssociationId"])["AssociationDescription"]
    assert (held["AssociationVersion"], held["Name"], held["Parameters"]) == ("2", "AWS-RunShellScript", {"commands": ["false"]})
    assert not {"AssociationName", "ScheduleExpression", "ComplianceSeverity", "MaxErrors"} & set(held)


@documented("API ListAssociationVersions")
def test_versions_are_kept(member: Account, make: Make) -> None:
    """ListAssociationVersions shows each version as it was."""
    made = make(ScheduleExpression=CRON)
    ssm = member.client("ssm")
    ssm.update_association(AssociationId=made["AssociationId"], Targets=NOBODY, Parameters={"commands": ["false"]})
    first, second = ssm.list_association_versions(AssociationId=made["AssociationId"])["AssociationVersions"]
    assert (first["AssociationVersion"], first["ScheduleExpression"], first["Parameters"]) == ("1", CRON, {"commands": ["true"]})
    assert (second["AssociationVersion"], "ScheduleExpression" in second) == ("2", False)
    old = ssm.describe_association(AssociationId=made["AssociationId"], AssociationVersion="1")["AssociationDescription"]
    assert old["ScheduleExpression"] == CRON


@documented("API UpdateAssociation.AssociationVersion: must be the latest")
def test_only_the_latest_version_is_updated(member: Account, make: Make) -> None:
    """An update that names another version than the latest is InvalidAssociationVersion."""
    made = make()
    with refused("InvalidAssociationVersion"):
        member.client("ssm").update_association(AssociationId=made["AssociationId"], AssociationVersion="7", Targets=NOBODY)


@documented("API AssociationDoesNotExist")
@pytest.mark.parametrize(
    "operation", ["describe_association", "delete_association", "list_association_versions", "describe_association_executions"]
)
def test_unknown_associations(member: Account, operation: str) -> None:
    """An id that is no association of the account is AssociationDoesNotExist."""
    with refused("AssociationDoesNotExist"):
        getattr(member.client("ssm"), operation)(AssociationId=NEVER)


@documented("API StartAssociationsOnce: at most ten ids")
def test_ten_associations_are_started_at_once_at_most(member: Account) -> None:
    """StartAssociationsOnce takes at most ten ids."""
    with refused("ValidationException"):
        member.client("ssm").start_associations_once(AssociationIds=[NEVER] * 11)


@documented("API AssociationFilter")
def test_lists_are_filtered(member: Account, make: Make, unique: Unique) -> None:
    """ListAssociations filters by AssociationName, AssociationId and Name, all of them together."""
    name = unique("mine")
    made = make(AssociationName=name)
    make(AssociationName=unique("other"))
    filters = [{"key": "AssociationName", "value": name}, {"key": "Name", "value": "AWS-RunShellScript"}]
    found = member.client("ssm").list_associations(AssociationFilterList=filters)["Associations"]
    assert [one["AssociationId"] for one in found] == [made["AssociationId"]]


@documented("API ListAssociations, MaxResults and NextToken")
def test_lists_have_pages(member: Account, make: Make) -> None:
    """ListAssociations is paged, and a token that it never gave is InvalidNextToken."""
    ids = {make()["AssociationId"] for _ in range(3)}
    ssm = member.client("ssm")
    pages = list(ssm.get_paginator("list_associations").paginate(PaginationConfig={"PageSize": 1}))
    assert ids <= {one["AssociationId"] for page in pages for one in page["Associations"]}
    assert all(len(page["Associations"]) <= 1 for page in pages)
    with refused("InvalidNextToken"):
        ssm.list_associations(NextToken="bm8=")


@documented("API CreateAssociation.TargetMaps: not together with Targets")
def test_targets_and_target_maps_exclude_each_other(make: Make) -> None:
    """Targets and TargetMaps together are InvalidTargetMaps."""
    with refused("InvalidTargetMaps"):
        make(TargetMaps=[{"commands": ["true"]}])


@assumed("a public report of CreateAssociation's words")
def test_a_target_key_must_be_known(make: Make) -> None:
    """A target key that AWS does not know is InvalidTarget."""
    with refused("InvalidTarget"):
        make(Targets=[{"Key": "Colour", "Values": ["red"]}])


@documented("API CreateAssociationBatch: Successful and Failed")
def test_a_batch_tells_what_failed(member: Account, unique: Unique) -> None:
    """CreateAssociationBatch makes what it can, and names each failure with its entry and whose fault it is."""
    ssm = member.client("ssm")
    good = {"Name": "AWS-RunShellScript", "Targets": NOBODY, "Parameters": {"commands": ["true"]}}
    answer = ssm.create_association_batch(Entries=[good, {**good, "Name": unique("absent")}])
    (made,), (failed,) = answer["Successful"], answer["Failed"]
    ssm.delete_association(AssociationId=made["AssociationId"])
    assert (failed["Fault"], failed["Entry"]["Targets"]) == ("Client", NOBODY)


@documented("API AddTagsToResource, ResourceType Association; CreateAssociation.Tags")
def test_associations_have_tags(member: Account, make: Make) -> None:
    """Tags are given at creation or later, and listed."""
    made = make(Tags=[{"Key": "Owner", "Value": "me"}])
    ssm, named = member.client("ssm"), {"ResourceType": "Association", "ResourceId": made["AssociationId"]}
    ssm.add_tags_to_resource(**named, Tags=[{"Key": "Stage", "Value": "one"}])
    ssm.remove_tags_from_resource(**named, TagKeys=["Owner"])
    assert ssm.list_tags_for_resource(**named)["TagList"] == [{"Key": "Stage", "Value": "one"}]


@documented("aws CLI, examples 1 and 2 of create-association")
def test_the_key_of_node_ids_may_be_in_lower_case(member: Account, offline_node: str, make: Make) -> None:
    """Targets may say instanceids; without parameters the answer has no such member."""
    made = make(Name="AWS-GatherSoftwareInventory", Targets=[{"Key": "instanceids", "Values": [offline_node]}], Parameters={})
    assert "Parameters" not in made
    infos = member.client("ssm").describe_instance_associations_status(InstanceId=offline_node)["InstanceAssociationStatusInfos"]
    assert made["AssociationId"] in [info["AssociationId"] for info in infos]
