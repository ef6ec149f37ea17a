"""Parameter Store: values under names and paths, in versions; and documents that refer to them."""

import json
from collections.abc import Callable, Iterator

import pytest

from conformance.claims import documented, eventually, observed, refused
from conformance.target import Account

Unique = Callable[[str], str]


@pytest.fixture
def path(member: Account, unique: Unique) -> Iterator[str]:
    """A path of its own, emptied afterwards."""
    root, ssm = f"/{unique('path')}", member.client("ssm")
    yield root
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=root, Recursive=True)
    for name in [one["Name"] for page in pages for one in page["Parameters"]]:
        ssm.delete_parameter(Name=name)


@documented("API PutParameter and GetParameter")
def test_each_value_is_a_version(member: Account, path: str) -> None:
    """PutParameter with Overwrite makes a new version; name:version still gives the old one."""
    name, ssm = f"{path}/url", member.client("ssm")
    assert ssm.put_parameter(Name=name, Value="one", Type="String")["Version"] == 1
    with refused("ParameterAlreadyExists"):
        ssm.put_parameter(Name=name, Value="two", Type="String")
    assert ssm.put_parameter(Name=name, Value="two", Overwrite=True)["Version"] == 2
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "two"
    assert ssm.get_parameter(Name=f"{name}:1")["Parameter"]["Value"] == "one"
    history = ssm.get_parameter_history(Name=name)["Parameters"]
    assert [(one["Version"], one["Value"]) for one in history] == [(1, "one"), (2, "two")]


@documented("API GetParameters, InvalidParameters")
def test_absent_names_are_told(member: Account, path: str) -> None:
    """GetParameters gives what is there, and lists the names that are not."""
    name, ssm = f"{path}/there", member.client("ssm")
    ssm.put_parameter(Name=name, Value="x", Type="String")
    answer = ssm.get_parameters(Names=[name, f"{path}/absent"])
    assert ([one["Name"] for one in answer["Parameters"]], answer["InvalidParameters"]) == ([name], [f"{path}/absent"])
    with refused("ParameterNotFound"):
        ssm.get_parameter(Name=f"{path}/absent")
    with refused("ParameterVersionNotFound"):
        ssm.get_parameter(Name=f"{name}:9")


@documented("API GetParametersByPath")
def test_a_path_is_one_level_or_all(member: Account, path: str) -> None:
    """GetParametersByPath gives the level below the path, or with Recursive all levels."""
    ssm = member.client("ssm")
    for name in ("a", "b/c"):
        ssm.put_parameter(Name=f"{path}/{name}", Value="x", Type="String")
    one = ssm.get_parameters_by_path(Path=path)["Parameters"]
    every = ssm.get_parameters_by_path(Path=path, Recursive=True)["Parameters"]
    assert [found["Name"] for found in one] == [f"{path}/a"]
    assert sorted(found["Name"] for found in every) == [f"{path}/a", f"{path}/b/c"]


@documented("API ParameterStringFilter")
def test_parameters_are_described_by_filters(member: Account, path: str) -> None:
    """DescribeParameters filters by the beginning of the name, by path and by tag, and shows no value."""
    name, ssm = f"{path}/tagged", member.client("ssm")
    ssm.put_parameter(Name=name, Value="x", Type="String", Tags=[{"Key": "team", "Value": path}])
    for one in (
        {"Key": "Name", "Option": "BeginsWith", "Values": [path]},
        {"Key": "Path", "Option": "Recursive", "Values": [path]},
        {"Key": "tag:team", "Values": [path]},
    ):
        (found,) = ssm.describe_parameters(ParameterFilters=[one])["Parameters"]
        assert (found["Name"], found["Type"], found["Version"], "Value" in found) == (name, "String", 1, False)


@documented("API PutParameterRequest, Name and Value")
@pytest.mark.parametrize(("name", "value"), [("aws-mine", "x"), ("ssm-mine", "x"), ("a b", "x"), ("conf-size", "x" * 4097)])
def test_names_and_values_that_are_refused(member: Account, name: str, value: str) -> None:
    """Prefixes of AWS, blanks in a name, and more than 4 KB in the standard tier are refused."""
    with refused("ValidationException"):
        member.client("ssm").put_parameter(Name=name, Value=value, Type="String")


@documented("API PutParameterRequest, AllowedPattern")
def test_a_value_must_match_its_pattern(member: Account, path: str) -> None:
    """A value that AllowedPattern does not allow is a ParameterPatternMismatchException."""
    with refused("ParameterPatternMismatchException"):
        member.client("ssm").put_parameter(Name=f"{path}/n", Value="x", Type="String", AllowedPattern=r"^\d+$")


@observed("agent source, docparser/parameterstore: the node reads {{ssm:name}} under its own role")
def test_commands_refer_to_parameters(member: Account, node: str, path: str) -> None:
    """{{ssm:name}} in a command is the parameter's value when the node runs it."""
    name, ssm = f"{path}/word", member.client("ssm")
    ssm.put_parameter(Name=name, Value="from-the-store", Type="String")
    command = ssm.send_command(
        InstanceIds=[node], DocumentName="AWS-RunShellScript", Parameters={"commands": [f"echo {{{{ssm:{name}}}}}"]}
    )["Command"]
    assert command["Parameters"]["commands"] == [f"echo {{{{ssm:{name}}}}}"]
    answer = eventually(
        lambda: ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=node),
        lambda found: found["Status"] not in ("Pending", "InProgress", "Delayed"),
        60,
        retry=("InvocationDoesNotExist",),
    )
    assert (answer["Status"], answer["StandardOutputContent"].strip()) == ("Success", "from-the-store")


@observed("agent source, runpluginutil: steps that do not fit are Skipped, with the agent's words")
def test_steps_run_by_their_preconditions(member: Account, node: str, unique: Unique) -> None:
    """A step whose precondition does not hold is skipped; parameters may be compared; finallyStep runs after an exit."""
    name, ssm = unique("doc"), member.client("ssm")

    def step(step_name: str, line: str, precondition: list[str] | None = None, **inputs: object) -> dict[str, object]:
        condition = {"precondition": {"StringEquals": precondition}} if precondition else {}
        return {"name": step_name, "action": "aws:runShellScript", "inputs": {"runCommand": [line], **inputs}, **condition}

    steps = [
        step("windows", "echo no", ["platformType", "Windows"]),
        step("chosen", "echo {{ which }}", ["{{ which }}", "one"]),
        step("other", "echo no", ["{{ which }}", "two"]),
        step("fails", "exit 3", onFailure="exit"),
        step("never", "echo no"),
        step("last", "echo last", finallyStep=True),
    ]
    content = {"schemaVersion": "2.2", "parameters": {"which": {"type": "String", "default": "one"}}, "mainSteps": steps}
    ssm.create_document(Name=name, Content=json.dumps(content), DocumentType="Command")
    eventually(lambda: ssm.describe_document(Name=name)["Document"]["Status"], lambda status: status == "Active")
    command_id = ssm.send_command(InstanceIds=[node], DocumentName=name)["Command"]["CommandId"]
    (found,) = eventually(
        lambda: ssm.list_command_invocations(CommandId=command_id, Details=True)["CommandInvocations"],
        lambda all_of: bool(all_of) and all_of[0]["Status"] not in ("Pending", "InProgress", "Delayed"),
        60,
    )
    said = {plugin["Name"]: plugin["Output"].strip() for plugin in found["CommandPlugins"]}
    assert found["Status"] == "Failed"
    assert (said["chosen"], said["last"]) == ("one", "last")
    assert "unsatisfied preconditions" in said["windows"]
    assert "unsatisfied preconditions" in said["other"]
    assert "skipped due to prior step with an exit condition" in said["never"]
    ssm.delete_document(Name=name)


@observed("agent source, rundocument: an inner document is read under the node's role, its steps are told as one")
def test_documents_run_documents(member: Account, node: str, unique: Unique) -> None:
    """AWS-RunDocument downloads a document and runs it with the parameters that are given."""
    name, ssm = unique("doc"), member.client("ssm")
    step = {"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": ["echo {{ word }}"]}}
    content = {"schemaVersion": "2.2", "parameters": {"word": {"type": "String"}}, "mainSteps": [step]}
    ssm.create_document(Name=name, Content=json.dumps(content), DocumentType="Command")
    eventually(lambda: ssm.describe_document(Name=name)["Document"]["Status"], lambda status: status == "Active")
    given = {
        "sourceType": ["SSMDocument"],
        "sourceInfo": [json.dumps({"name": name})],
        "documentParameters": [json.dumps({"word": "from-within"})],
    }
    command_id = ssm.send_command(InstanceIds=[node], DocumentName="AWS-RunDocument", Parameters=given)["Command"]["CommandId"]
    answer = eventually(
        lambda: ssm.get_command_invocation(CommandId=command_id, InstanceId=node, PluginName="runDocument"),
        lambda found: found["Status"] not in ("Pending", "InProgress", "Delayed"),
        60,
        retry=("InvocationDoesNotExist",),
    )
    assert (answer["Status"], answer["StandardOutputContent"].strip()) == ("Success", "from-within")
    ssm.delete_document(Name=name)
