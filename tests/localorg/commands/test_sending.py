"""Who a command goes to, who may send it, and what SendCommand refuses."""

import pytest
from commands.harness import ACCOUNT, ADMIN, REGION, SHELL, Harness

from localorg.kernel.errors import AccessDenied, AwsError
from localorg.protocol.calls import Access, Principal

STRANGER = "i-99999999999999999"
GROUP_QUERY = '{"ResourceTypeFilters":["AWS::EC2::Instance"],"TagFilters":[{"Key":"Role","Values":["web"]}]}'


class Deny:
    """Refuses some (action, resource) pairs, and remembers everything that was asked."""

    def __init__(self, *denied: tuple[str, str]) -> None:
        self.denied = set(denied)
        self.asked: list[tuple[str, str, str]] = []

    def check(self, principal: Principal, region: str, access: Access) -> None:
        self.asked.append((principal.arn, access.action, access.resource))
        if (access.action, access.resource) in self.denied:
            raise AccessDenied(f"{principal.arn} may not {access.action} on {access.resource}")


def instance_arn(instance_id):
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{instance_id}"


@pytest.fixture
def local():
    harness = Harness()
    harness.node(1, tags={"Role": "web", "Stage": "prod"})
    harness.node(2, tags={"Role": "web", "Stage": "test"})
    harness.node(3, tags={"Role": "batch*"})
    return harness


def numbers(local, **params):
    """Return the numbers of the nodes that a command went to."""
    return [int(name[2:], 16) for name in local.details(local.send(**params))]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([("tag:Role", ["web"])], [1, 2]),
        ([("tag:Role", ["web", "batch*"])], [1, 2, 3]),
        ([("tag:Role", ["*"])], []),
        ([("tag:Role", ["web"]), ("tag:Stage", ["test"])], [2]),
        ([("tag-key", ["Stage"])], [1, 2]),
        ([("InstanceIds", ["*"])], [1, 2, 3]),
        ([("instanceids", ["i-00000000000000002"])], [2]),
        ([("InstanceIds", ["i-00000000000000003", "i-00000000000000001"])], [3, 1]),
        ([("InstanceIds", ["*"]), ("tag:Stage", ["prod"])], [1]),
        ([("resource-groups:Name", ["web"])], [1, 2]),
        ([("resource-groups:Name", ["web"]), ("resource-groups:ResourceTypeFilters", ["AWS::EC2::Instance"])], [1, 2]),
        ([("resource-groups:ResourceTypeFilters", ["AWS::EC2::INSTANCE"])], [1, 2, 3]),
        ([("resource-groups:ResourceTypeFilters", ["AWS::SSM::ManagedInstance"])], []),
    ],
)
def test_targets_choose_nodes(local, targets, expected):
    """OR within a key, AND between keys. Documented: user guide, Run commands at scale; `*` assumed."""
    query = {"Type": "TAG_FILTERS_1_0", "Query": GROUP_QUERY}
    local.call("CreateGroup", "resource-groups", Name="web", ResourceQuery=query)
    assert numbers(local, Targets=[{"Key": key, "Values": values} for key, values in targets]) == expected


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("tag:Role", ["web"], ["i-1", "i-2", "mi-7"]),
        ("tag:Role", ["web", "db"], ["i-1", "i-2", "mi-7", "mi-8"]),
        ("tag-key", ["Stage"], ["i-1", "i-2", "mi-8"]),
        ("InstanceIds", ["mi-00000000000000008"], ["mi-8"]),
        ("resource-groups:ResourceTypeFilters", ["AWS::SSM::ManagedInstance"], ["mi-7", "mi-8"]),
    ],
)
def test_hybrid_nodes_are_targets_too(local, key, values, expected):
    """Their tags are Systems Manager's, not EC2's. Documented: API AddTagsToResource, ManagedInstance."""
    local.hybrid(7, tags={"Role": "web"})
    local.hybrid(8, tags={"Role": "db", "Stage": "prod"})
    command = local.send(Targets=[{"Key": key, "Values": values}])
    local.pass_time(10)
    details = local.details(command)
    assert [f"{name.partition('-')[0]}-{int(name.partition('-')[2], 16)}" for name in details] == expected
    assert set(details.values()) == {"Success"}


def test_a_hybrid_node_is_a_managed_instance_for_policies():
    """Documented: Service Authorization Reference, resource type managed-instance."""
    authoriser = Deny()
    local = Harness(authoriser)
    node = local.hybrid(7)
    local.send(InstanceIds=[node.instance_id])
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:managed-instance/{node.instance_id}"
    assert (ADMIN.arn, "ssm:SendCommand", arn) in authoriser.asked


def test_values_from_parameter_store_are_checked_on_the_node(local):
    """Observed: the agent's source, parameterstore: it resolves and validates; assumed: the service does not."""
    node = local.nodes["i-00000000000000001"]
    for timeout in ("{{ssm:limit}}", "{{ ssm:/team/limit:2 }}"):
        local.send(InstanceIds=[node.instance_id], Parameters={"commands": ["x"], "executionTimeout": [timeout]})
        local.pass_time(5)
        assert node.received[-1]["Payload"]["Parameters"]["executionTimeout"] == timeout
    with pytest.raises(AwsError, match="InvalidParameters: executionTimeout: must match"):
        local.send(InstanceIds=[node.instance_id], Parameters={"commands": ["x"], "executionTimeout": ["{{limit}}"]})


def test_only_nodes_of_the_account_and_region_are_there(local):
    """Documented: managed nodes belong to one account and one Region."""
    elsewhere = Principal("user", "333333333333", "arn:aws:iam::333333333333:user/admin")
    star = [{"Key": "InstanceIds", "Values": ["*"]}]
    sent = local.call(
        "SendCommand", principal=elsewhere, DocumentName="AWS-RunShellScript", Parameters={"commands": ["x"]}, Targets=star
    )
    assert sent["Command"]["TargetCount"] == 0


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"InstanceIds": [STRANGER]}, f"InvalidInstanceId: Instances [[{STRANGER}]] not in a valid state for account {ACCOUNT}"),
        (
            {"InstanceIds": ["i-00000000000000001"] * 2},
            "DuplicateInstanceId: InstanceIds lists i-00000000000000001 more than once.",
        ),
        ({}, "ValidationException: SendCommand needs InstanceIds or Targets; found neither."),
        (
            {"Targets": [{"Key": "colour", "Values": ["red"]}]},
            (
                "ValidationException: The target key 'colour' is not valid; expected InstanceIds, tag:KEY, tag-key, "
                "resource-groups:Name or resource-groups:ResourceTypeFilters."
            ),
        ),
        (
            {"Targets": [{"Key": "resource-groups:Name", "Values": ["none"]}]},
            f"ValidationException: resource-groups:Name: Cannot find group none in {ACCOUNT} {REGION}.",
        ),
        ({"document": "Missing"}, "InvalidDocument: Document with name Missing does not exist."),
        (
            {"document": "SomeRunbook"},
            "InvalidDocument: SendCommand runs documents of type Command; SomeRunbook is of type Automation.",
        ),
        (
            {"document": "WindowsOnly", "Parameters": {"commands": ["x"]}},
            "UnsupportedPlatformType: The document WindowsOnly runs on Windows, not on the platform of i-00000000000000001.",
        ),
        (
            {"Parameters": {"nope": ["x"]}},
            "InvalidParameters: nope: the document has no such parameter; commands: required, but not given",
        ),
        ({"OutputS3BucketName": "bucket"}, "InvalidOutputFolder: The S3 bucket bucket does not exist."),
        (
            {"ServiceRoleArn": "arn:aws:iam::222222222222:role/r"},
            "NotImplemented: localorg does not support the parameter ServiceRoleArn in SendCommand.",
        ),
        (
            {"NotificationConfig": {"NotificationArn": "arn:aws:sns:us-east-1:222222222222:t"}},
            "NotImplemented: localorg does not support the parameter NotificationConfig in SendCommand.",
        ),
        (
            {"AlarmConfiguration": {"Alarms": [{"Name": "a"}]}},
            "NotImplemented: localorg does not support the parameter AlarmConfiguration in SendCommand.",
        ),
        (
            {"CloudWatchOutputConfig": {"CloudWatchOutputEnabled": True}},
            "NotImplemented: localorg does not support the parameter CloudWatchOutputConfig in SendCommand.",
        ),
        (
            {"CloudWatchOutputConfig": {"CloudWatchLogGroupName": "group"}},
            "NotImplemented: localorg does not support the parameter CloudWatchOutputConfig in SendCommand.",
        ),
        ({"Targets": [{"Key": "tag:Role", "Values": []}]}, "ValidationException: The target tag:Role needs at least one value."),
        (
            {"InstanceIds": ["i-00000000000000001"], "Targets": [{"Key": "InstanceIds", "Values": ["*"]}]},
            "ValidationException: Give InstanceIds or Targets, not both.",
        ),
        ({"InstanceIds": [f"i-{number:017x}" for number in range(51)]}, "ValidationException"),
        ({"Targets": [{"Key": f"tag:{number}", "Values": ["x"]} for number in range(6)]}, "ValidationException"),
        (
            {"DocumentHash": "f00"},
            "InvalidDocument: DocumentHash f00 (Sha256) is not the hash of AWS-RunShellScript: abc (Sha256).",
        ),
        ({"MaxErrors": "200%"}, "ValidationException"),
        ({"TimeoutSeconds": 5}, "ValidationException"),
    ],
)
def test_what_send_command_refuses(local, params, refusal):
    """Documented: API SendCommand, Errors; the texts are localorg's own, but for InvalidInstanceId (observed)."""
    if not {"InstanceIds", "Targets"} & set(params) and "neither" not in refusal:
        params = {"InstanceIds": ["i-00000000000000001"], **params}
    with pytest.raises(AwsError) as refused:
        local.send(**params)
    assert str(refused.value).startswith(refusal)


def test_the_document_and_every_listed_instance_must_be_allowed():
    """ssm:SendCommand on the document and on each instance, no ssm:GetDocument. Documented: Service Authorization Reference."""
    authoriser = Deny()
    local = Harness(authoriser)
    ids = [local.node(number).instance_id for number in (1, 2)]
    local.send(InstanceIds=ids)
    asked = [(action, resource) for arn, action, resource in authoriser.asked if arn == ADMIN.arn]
    document = f"arn:aws:ssm:{REGION}::document/AWS-RunShellScript"
    assert asked == [("ssm:SendCommand", resource) for resource in (document, *map(instance_arn, ids))]
    authoriser.denied = {("ssm:SendCommand", instance_arn(ids[1]))}
    with pytest.raises(AccessDenied):
        local.send(InstanceIds=ids)
    assert len(local.call("ListCommands")["Commands"]) == 1


def test_a_document_of_ones_own_and_a_shared_one_have_their_owners_arn():
    """Documented: Service Authorization Reference, resource type document."""
    authoriser = Deny()
    local = Harness(authoriser)
    shared = f"arn:aws:ssm:{REGION}:111111111111:document/Shared"
    local.shelf.documents |= {"Mine": ("Command", SHELL, []), shared: ("Command", SHELL, [])}
    for name in ("Mine", shared):
        local.send(name, InstanceIds=[local.node(1).instance_id], Parameters={"commands": ["x"]})
    asked = [resource for _, action, resource in authoriser.asked if action == "ssm:SendCommand" and ":document/" in resource]
    assert asked == [f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/Mine", shared]


def test_targeted_nodes_that_are_not_allowed_or_unfit_end_by_themselves():
    """AccessDenied, InvalidPlatform, Undeliverable never count as errors. Documented: user guide, monitor-commands."""
    authoriser = Deny()
    local = Harness(authoriser)
    good, forbidden = local.node(1), local.node(2)
    windows = local.node(3, platform="Windows")
    authoriser.denied = {("ssm:SendCommand", instance_arn(forbidden.instance_id))}
    values = [good.instance_id, forbidden.instance_id, windows.instance_id, STRANGER]
    command = local.send(Targets=[{"Key": "InstanceIds", "Values": values}])
    local.pass_time(5)
    assert list(local.details(command).values()) == ["Success", "AccessDenied", "InvalidPlatform", "Undeliverable"]
    shown = local.command(command)
    assert (shown["StatusDetails"], shown["ErrorCount"], shown["CompletedCount"]) == ("Success", 0, 4)
    assert forbidden.received == windows.received == []


def test_tags_are_read_by_the_service_and_groups_by_the_caller():
    """Documented: AWSServiceRoleForAmazonSSM's policy; user guide, Run commands at scale, the note on resource groups."""
    authoriser = Deny()
    local = Harness(authoriser)
    query = {"Type": "TAG_FILTERS_1_0", "Query": GROUP_QUERY}
    local.call("CreateGroup", "resource-groups", Name="web", ResourceQuery=query)
    local.send(Targets=[{"Key": "tag:Role", "Values": ["web"]}])
    local.send(Targets=[{"Key": "resource-groups:Name", "Values": ["web"]}])
    who = {action: arn for arn, action, _ in authoriser.asked}
    assert "AWSServiceRoleForAmazonSSM" in who["ec2:DescribeInstances"]
    assert who["resource-groups:ListGroupResources"] == ADMIN.arn


def test_the_star_is_refused_under_the_other_reading() -> None:
    """Assumed: run-command-star=refused: a list of ids is taken, `*` is not. Observed elsewhere: the sense of the words."""
    local = Harness(readings={"run-command-star": "refused"})
    with pytest.raises(AwsError, match="ValidationException: Targets must be one target with the key InstanceIds"):
        local.send(Targets=[{"Key": "InstanceIds", "Values": ["*"]}])
