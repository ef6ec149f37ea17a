"""Change sets, exports, templates in S3, reading, roles, and what a caller must be allowed."""

import json

import pytest
from stacks.world import HUB, NAMED, REGION, World, admin, role, template

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Event
from localorg.protocol.calls import Access, ApiCall, Operation, Wait


def refused(world, operation, params):
    with pytest.raises(AwsError) as refusal:
        world.call(operation, params)
    return refusal.value


def change(world, name, body, **params):
    given = {"StackName": "one", "ChangeSetName": name, "TemplateBody": body, "Capabilities": NAMED}
    return world.call("CreateChangeSet", {**given, **params})["Id"]


def test_a_stack_is_created_by_a_change_set():
    """Documented: CloudFormation user guide, change sets of new stacks: REVIEW_IN_PROGRESS until executed."""
    world = World()
    body = template({"A": role(RoleName="a")})
    change_set = change(world, "first", body, ChangeSetType="CREATE")
    assert world.status() == "REVIEW_IN_PROGRESS"
    shown = world.call("DescribeChangeSet", {"ChangeSetName": change_set})
    assert (shown["Status"], shown["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert [row["ResourceChange"]["Action"] for row in shown["Changes"]] == ["Add"]
    assert world.iam.roles == {}
    world.call("ExecuteChangeSet", {"ChangeSetName": change_set})
    world.run()
    assert world.status() == "CREATE_COMPLETE"
    assert "LastUpdatedTime" in world.stack()
    assert world.call("DescribeChangeSet", {"ChangeSetName": change_set})["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert refused(world, "ExecuteChangeSet", {"ChangeSetName": change_set}).code == "InvalidChangeSetStatus"


def test_a_change_set_tells_what_it_would_do():
    """Documented: CloudFormation API reference, ResourceChange Action and Replacement."""
    world = World()
    world.create(template({"A": role(RoleName="a"), "B": role(RoleName="b"), "C": role(RoleName="c")}))
    body = template({"A": role(RoleName="a", Description="new"), "B": role(RoleName="z"), "D": role(RoleName="d")})
    change(world, "next", body)
    changes = world.call("DescribeChangeSet", {"ChangeSetName": "next", "StackName": "one"})["Changes"]
    rows = {(c := row["ResourceChange"])["LogicalResourceId"]: (c["Action"], c.get("Replacement")) for row in changes}
    assert rows == {"A": ("Modify", "False"), "B": ("Modify", "True"), "D": ("Add", None), "C": ("Remove", None)}
    assert {name for _, name in world.iam.roles} == {"a", "b", "c"}
    world.call("ExecuteChangeSet", {"ChangeSetName": "next", "StackName": "one"})
    world.run()
    assert {name for _, name in world.iam.roles} == {"a", "z", "d"}


def test_a_change_set_without_changes_has_failed():
    """Observed: the aws CLI's deploy command looks for this very sentence."""
    world = World()
    body = template({"A": role(RoleName="a")})
    world.create(body)
    shown = world.call("DescribeChangeSet", {"ChangeSetName": change(world, "none", body)})
    assert (shown["Status"], shown["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert shown["StatusReason"].startswith("The submitted information didn't contain changes.")
    assert refused(world, "ExecuteChangeSet", {"ChangeSetName": "none", "StackName": "one"}).code == "InvalidChangeSetStatus"
    world.call("DeleteChangeSet", {"ChangeSetName": "none", "StackName": "one"})
    assert world.call("ListChangeSets", {"StackName": "one"})["Summaries"] == []
    assert refused(world, "DescribeChangeSet", {"ChangeSetName": "none", "StackName": "one"}).code == "ChangeSetNotFound"


def test_change_sets_of_stacks_that_are_not_there():
    """Documented: CloudFormation API reference, CreateChangeSet ChangeSetType."""
    world = World()
    params = {"StackName": "one", "ChangeSetName": "x", "TemplateBody": template({"A": role()}), "Capabilities": NAMED}
    assert refused(world, "CreateChangeSet", params).message == "Stack [one] does not exist"
    world.create(template({"A": role()}))
    assert "already exists" in refused(world, "CreateChangeSet", {**params, "ChangeSetType": "CREATE"}).message


EXPORTER = template({"A": role(RoleName="a")}, Outputs={"Out": {"Value": {"Ref": "A"}, "Export": {"Name": "shared"}}})
IMPORTER = template({"B": role(RoleName="b", Description={"Fn::ImportValue": "shared"})})


def test_exports_are_shared_and_held():
    """Documented: CloudFormation user guide, "Get exported outputs": a value in use can be neither deleted nor changed.

    Assumed: how the deletion is taken back.
    """
    world = World()
    world.create(EXPORTER, "out")
    world.create(IMPORTER, "in")
    assert world.iam.roles[HUB, "b"]["Description"] == "a"
    exports = world.call("ListExports")["Exports"]
    assert [(row["Name"], row["Value"]) for row in exports] == [("shared", "a")]
    assert world.call("ListImports", {"ExportName": "shared"})["Imports"] == ["in"]
    world.delete("out")
    assert world.stack("out")["StackStatusReason"] == "Delete canceled. Cannot delete export shared as it is in use by in"
    assert world.status("out") == "CREATE_COMPLETE"
    assert world.update(EXPORTER.replace('"RoleName": "a"', '"RoleName": "c"'), "out") == "UPDATE_ROLLBACK_COMPLETE"
    world.delete("in")
    world.delete("out")
    assert world.iam.roles == {}


def test_an_export_name_is_taken_once():
    """Documented: CloudFormation user guide, export names are unique within an account and Region."""
    world = World()
    world.create(EXPORTER, "out")
    assert world.create(EXPORTER.replace('"RoleName": "a"', '"RoleName": "z"'), "other") == "ROLLBACK_COMPLETE"
    expected = "Export with name shared is already exported by stack out. Rollback requested by user."
    assert expected in world.reasons("other")


def test_an_import_that_is_not_there_fails_its_resource():
    """Documented: CloudFormation's sentence "No export named X found."."""
    world = World()
    assert world.create(IMPORTER) == "ROLLBACK_COMPLETE"
    assert "No export named shared found." in world.reasons()[1]


class SmallS3:
    """S3 that answers GetObject a little later, as a borrowed service does."""

    def __init__(self, kernel, objects):
        self.kernel, self.objects = kernel, objects

    def serves(self, service):
        return service == "s3"

    def access(self, call):
        return [Access("s3:GetObject", f"arn:aws:s3:::{call.params['Bucket']}/{call.params['Key']}")]

    def submit(self, call, reply):
        body = self.objects.get((call.params["Bucket"], call.params["Key"]))
        answer = {"ok": True, "output": {"Body": body}}
        if body is None:
            answer = {"ok": False, "error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."}}
        self.kernel.post(Event(reply.engine, reply.name, {**reply.data, **answer}))


def patient(world, operation, params):
    """Do as the server does: call again when the topic is announced."""
    call = ApiCall(admin(), REGION, "cloudformation", operation, params)
    for _ in range(3):
        try:
            return world.gateway.attempt(call)
        except Wait:
            world.kernel.step()
    raise AssertionError("it waits for ever")


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.amazonaws.com/a/b.yaml",
        "https://bucket.s3.eu-west-1.amazonaws.com/a/b.yaml",
        "https://s3.amazonaws.com/bucket/a/b.yaml",
        "https://s3.us-west-2.amazonaws.com/bucket/a/b.yaml",
        "http://127.0.0.1:4599/bucket/a/b.yaml",
    ],
)
def test_a_template_comes_from_s3(url):
    """Documented: CloudFormation API reference, TemplateURL: an S3 object that the caller may read."""
    world = World()
    world.gateway.borrowed = SmallS3(world.kernel, {("bucket", "a/b.yaml"): template({"A": role()}).encode() + b" " * 60_000})
    patient(world, "CreateStack", {"StackName": "one", "TemplateURL": url, "Capabilities": NAMED})
    world.run()
    assert world.status() == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://bucket.s3.amazonaws.com/missing", "S3 error: The specified key does not exist."),
        ("https://example.com/bucket/key", "TemplateURL must be a supported URL."),
        ("https://bucket.s3.amazonaws.com/bytes", "is not UTF-8 text"),
        ("https://bucket.s3.amazonaws.com/long", "at most 1048576 are allowed"),
    ],
)
def test_a_template_that_cannot_be_had(url, words):
    """Documented: CloudFormation's sentences for TemplateURL; the limit is that of an S3 object."""
    world = World()
    world.gateway.borrowed = SmallS3(world.kernel, {("bucket", "bytes"): b"\xff\xfe\x00", ("bucket", "long"): b" " * 2_000_000})
    with pytest.raises(AwsError) as refusal:
        patient(world, "ValidateTemplate", {"TemplateURL": url})
    assert words in refusal.value.message


def test_reading_a_stack():
    """Documented: CloudFormation API reference, the reading operations."""
    world = World()
    body = template({"A": {**role(RoleName="a"), "Metadata": {"why": "because"}}}, Description="A stack.")
    world.create(body, Tags=[{"Key": "k", "Value": "v"}])
    stack = world.stack()
    assert (stack["Description"], stack["Tags"]) == ("A stack.", [{"Key": "k", "Value": "v"}])
    by_id = world.call("DescribeStackResources", {"PhysicalResourceId": "a"})["StackResources"]
    assert [row["LogicalResourceId"] for row in by_id] == ["A"]
    detail = world.call("DescribeStackResource", {"StackName": "one", "LogicalResourceId": "A"})["StackResourceDetail"]
    assert json.loads(detail["Metadata"]) == {"why": "because"}
    assert world.call("GetTemplate", {"StackName": "one"})["TemplateBody"] == body
    summary = world.call("GetTemplateSummary", {"StackName": "one"})
    assert summary["ResourceTypes"] == ["AWS::IAM::Role"]
    assert summary["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert world.call("ValidateTemplate", {"TemplateBody": body})["Description"] == "A stack."
    listed = world.call("ListStacks", {"StackStatusFilter": ["CREATE_COMPLETE"]})["StackSummaries"]
    assert [row["StackName"] for row in listed] == ["one"]
    message = refused(world, "DescribeStackResource", {"StackName": "one", "LogicalResourceId": "B"}).message
    assert message == "Resource B does not exist for stack one"


def test_a_stack_acts_under_its_caller_or_its_role():
    """Documented: CloudFormation user guide, "CloudFormation service role": RoleARN, with iam:PassRole; else the caller's rights."""
    world = World()
    assumed = []

    def assume(request):
        assumed.append((request.principal.service, request.params["RoleArn"]))
        return {"Credentials": {"AccessKeyId": "ASIA1"}}

    world.gateway.add([Operation("sts", "AssumeRole", assume)])
    world.create(template({"A": role(RoleName="a")}), RoleARN=f"arn:aws:iam::{HUB}:role/deployer")
    assert assumed == [("cloudformation.amazonaws.com", f"arn:aws:iam::{HUB}:role/deployer")]
    assert world.iam.roles[HUB, "a"]["by"] == "session of ASIA1"
    world.create(template({"B": role(RoleName="b")}), "two")
    assert world.iam.roles[HUB, "b"]["by"] == admin().arn


class Listening:
    """An authoriser that writes down what it is asked, and denies what it is told to."""

    def __init__(self):
        self.asked = []
        self.denied = ""

    def check(self, principal, region, access):
        self.asked.append((access.action, access.resource))
        if access.action == self.denied:
            raise AccessDenied(
                f"User: {principal.arn} is not authorized to perform: {access.action} on resource: {access.resource}"
            )


def test_access_is_asked_for_the_stack():
    """Documented: Service Authorization Reference, AWS CloudFormation: resource types stack and stackset."""
    world = World()
    world.gateway.authoriser = listening = Listening()
    body = template({"A": role(RoleName="a")})
    world.create(body)
    assert listening.asked[0] == ("cloudformation:CreateStack", f"arn:aws:cloudformation:{REGION}:{HUB}:stack/one/*")
    stack_id = world.stack()["StackId"]
    assert listening.asked[-1] == ("cloudformation:DescribeStacks", stack_id)
    world.call("DeleteStack", {"StackName": "one"})
    assert listening.asked[-1] == ("cloudformation:DeleteStack", stack_id)


def test_a_denied_call_fails_its_resource():
    """Documented: CloudFormation user guide, a stack has its caller's rights; what they lack is the reason of the failure."""
    world = World()
    world.gateway.authoriser = listening = Listening()
    listening.denied = "iam:CreateRole"
    assert world.create(template({"A": role(RoleName="a")})) == "ROLLBACK_COMPLETE"
    reason = next(reason for reason in world.reasons() if "not authorized" in reason)
    assert "is not authorized to perform: iam:CreateRole" in reason
    assert "HandlerErrorCode: AccessDenied" in reason
