"""What a trial makes in AWS and takes away again, against botocore's own stubs."""

import json
from pathlib import Path

import pytest

from csd.aws.trials.commands import CONFIGURE, Commands
from csd.aws.trials.nodes import find_nodes, read_nodes
from csd.aws.trials.place import Place
from csd.aws.trials.rights import rights
from csd.aws.trials.trial import Wish, try_package
from csd.errors import AwsRefused, CsdInputError
from csd.package.sealed import SealedPackage, build_package
from csd_fakes.aws import Told

REPOSITORY = Path(__file__).parents[4]
NODE = "i-0123456789abcdef0"


def place(told: Told) -> Place:
    return Place(told.principal(), "bucket", lambda _: None, sleep=lambda _: None)


@pytest.fixture
def package(tmp_path: Path) -> SealedPackage:
    return build_package(REPOSITORY / "examples/packages/csd-hello", tmp_path)


def test_names_are_the_trials_own() -> None:
    """Two trials never meet: neither in the document, nor in the folder."""
    one, other = place(Told()), place(Told())
    assert one.document != other.document
    assert one.document == f"csd-trial-{one.token}"
    assert one.folder == f"csd-trial/{one.token}/"


def test_the_reason_of_a_failed_document_is_told(package: SealedPackage) -> None:
    """AWS's own StatusInformation."""
    told = Told()
    made = place(told)
    told.answer("ssm", "create_document", {})
    told.answer("ssm", "describe_document", {"Document": {"Status": "Creating"}})
    told.answer("ssm", "describe_document", {"Document": {"Status": "Failed", "StatusInformation": "no such attachment"}})
    with pytest.raises(AwsRefused, match=r"Failed: version 1\.0\.0: no such attachment"):
        made.add_version(package, "folder")
    assert made.made


def test_taking_away_goes_on_after_a_refusal() -> None:
    """What remains is told, each with AWS's reason."""
    told = Told()
    made = place(told)
    made.made = True
    told.refuse("ssm", "delete_document", "AccessDeniedException", "not you")
    told.answer("s3", "list_objects_v2", {"Contents": [{"Key": "a"}]})
    told.answer("s3", "delete_objects", {"Deleted": [{"Key": "a", "DeleteMarker": True}]})
    document, objects = made.remove()
    assert document.startswith(f"document {made.document}: ssm:DeleteDocument")
    assert objects == (
        f"s3://bucket/{made.folder}: the bucket keeps versions: earlier versions of the objects stay until its lifecycle rules remove them"
    )


def test_a_step_that_takes_too_long_is_cancelled() -> None:
    """The node's answer then says so."""
    told = Told()
    clock = iter([0.0, 100.0])
    commands = Commands(place(told), 50.0, sleep=lambda _: None, clock=lambda: next(clock))
    told.answer("ssm", "send_command", {"Command": {"CommandId": "c" * 36}})
    told.answer("ssm", "list_command_invocations", {"CommandInvocations": [{"InstanceId": NODE, "Status": "InProgress"}]})
    told.answer("ssm", "cancel_command", {}, {"CommandId": "c" * 36})
    said = commands.run(CONFIGURE, {"name": ["x"]}, [NODE])[NODE]
    assert (said.status, said.detail) == ("TimedOut", "not within 50 s, and was cancelled")
    told.all_asked()


def test_output_that_is_not_in_s3_is_read_as_run_command_shows_it() -> None:
    """And is told to be cut where it is."""
    told = Told()
    commands = Commands(place(told), 50.0, sleep=lambda _: None)
    told.answer("ssm", "send_command", {"Command": {"CommandId": "c" * 36}})
    told.answer("ssm", "list_command_invocations", {"CommandInvocations": [{"InstanceId": NODE, "Status": "Success"}]})
    told.answer("s3", "list_objects_v2", {})
    told.answer("ssm", "get_command_invocation", {"StandardOutputContent": "x" * 24_000, "StandardErrorContent": ""})
    said = commands.run(CONFIGURE, {"name": ["x"]}, [NODE])[NODE]
    assert (len(said.out), said.whole) == (24_000, False)


def test_nodes_that_are_not_there_are_found_one_by_one() -> None:
    """Documented: DescribeInstanceInformation, InvalidInstanceId, which does not say of which."""
    told = Told()
    other = "mi-0123456789abcdef0"
    told.refuse("ssm", "describe_instance_information", "InvalidInstanceId", "no")
    told.answer(
        "ssm", "describe_instance_information", {"InstanceInformationList": [{"InstanceId": NODE, "PingStatus": "Online"}]}
    )
    told.refuse("ssm", "describe_instance_information", "InvalidInstanceId", "no")
    told.refuse("ssm", "describe_instance_properties", "AccessDeniedException", "not you")
    found = find_nodes(told.principal(), [NODE, other], {"debian": {"_any": {"_any": "a.zip"}}})
    assert [(one.node, one.ping) for one in found] == [(NODE, "Online"), (other, "")]


def test_wrong_nodes_are_told_all_at_once() -> None:
    """With what to write."""
    with pytest.raises(CsdInputError) as wrong:
        read_nodes("i-1, web-1")
    assert [problem.what for problem in wrong.value.problems] == [
        "'i-1' is no id of a managed node.", "'web-1' is no id of a managed node.",
    ]  # fmt: skip
    with pytest.raises(CsdInputError, match="names no node"):
        read_nodes("")


def test_the_page_shows_the_rights_that_the_command_prints() -> None:
    """For an account of the examples, with csd's own bucket."""
    page = (REPOSITORY / "docs/how-to/test-a-package.md").read_text(encoding="utf-8")
    blocks = [json.loads(block.partition("```")[0]) for block in page.split("```json\n")[1:]]
    wanted = rights("aws", "222222222222", "us-east-1", "")
    assert blocks == [wanted["caller"], wanted["nodes"]]


def test_where_no_node_can_take_part_nothing_is_made(package: SealedPackage) -> None:
    """A node that is offline, and one that the package has no zip for, are verdicts; AWS is asked for no more than that."""
    told, other = Told(), "mi-0123456789abcdef0"
    suse = {"PlatformName": "SLES", "PlatformVersion": "15.5", "PlatformType": "Linux"}
    nodes = [{"InstanceId": NODE, "PingStatus": "ConnectionLost"}, {"InstanceId": other, "PingStatus": "Online", **suse}]
    told.answer("ssm", "describe_instance_information", {"InstanceInformationList": nodes})
    told.answer("ssm", "describe_instance_properties", {"InstanceProperties": []})
    trial = try_package(told.principal(), Wish(package, None, [NODE, other]), lambda _: None)
    assert [(one.node, one.verdict.value) for one in trial.nodes] == [(NODE, "unreachable"), (other, "no zip")]
    assert not trial.passed
    told.all_asked()
