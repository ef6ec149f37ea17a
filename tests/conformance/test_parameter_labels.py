"""Labels of parameters: names of versions that readers may use, nodes among them."""

from collections.abc import Callable, Iterator

import pytest

from conformance.claims import documented, eventually, observed, refused
from conformance.target import Account


@pytest.fixture
def parameter(member: Account, unique: Callable[[str], str]) -> Iterator[str]:
    """A parameter of two versions, `one` and `two`."""
    name, ssm = unique("labelled"), member.client("ssm")
    ssm.put_parameter(Name=name, Value="one", Type="String")
    ssm.put_parameter(Name=name, Value="two", Overwrite=True)
    yield name
    ssm.delete_parameter(Name=name)


@documented("API LabelParameterVersion; API GetParameter, Name: parameter-name:label")
def test_a_label_names_a_version_and_can_be_moved(member: Account, parameter: str) -> None:
    """A label is on one version at a time; attached to another, it has moved."""
    ssm = member.client("ssm")
    assert ssm.label_parameter_version(Name=parameter, ParameterVersion=1, Labels=["live"])["ParameterVersion"] == 1
    found = ssm.get_parameter(Name=f"{parameter}:live")["Parameter"]
    assert (found["Value"], found["Version"], found["Selector"]) == ("one", 1, ":live")
    assert ssm.label_parameter_version(Name=parameter, Labels=["live"])["ParameterVersion"] == 2
    history = ssm.get_parameter_history(Name=parameter)["Parameters"]
    assert [version["Labels"] for version in history] == [[], ["live"]]


@documented("API LabelParameterVersion: requirements of labels")
def test_unfit_labels_are_told(member: Account, parameter: str) -> None:
    """Labels that begin with a number, aws or ssm come back in InvalidLabels; the others are attached."""
    answer = member.client("ssm").label_parameter_version(Name=parameter, Labels=["1st", "ssm-x", "fit"])
    assert sorted(answer["InvalidLabels"]) == ["1st", "ssm-x"]
    assert member.client("ssm").get_parameter(Name=f"{parameter}:fit")["Parameter"]["Value"] == "two"


@documented("API UnlabelParameterVersion; API GetParameter, ParameterVersionNotFound")
def test_a_label_is_taken_away(member: Account, parameter: str) -> None:
    """UnlabelParameterVersion tells what it has removed; the label then finds nothing."""
    ssm = member.client("ssm")
    ssm.label_parameter_version(Name=parameter, ParameterVersion=1, Labels=["old"])
    assert ssm.unlabel_parameter_version(Name=parameter, ParameterVersion=1, Labels=["old"])["RemovedLabels"] == ["old"]
    with refused("ParameterVersionNotFound"):
        ssm.get_parameter(Name=f"{parameter}:old")


@observed("agent source, ssmparameterresolver: a reference may end in a version or a label")
def test_a_node_reads_by_label(member: Account, node: str, parameter: str) -> None:
    """{{ssm:NAME:LABEL}} in a command becomes the value of the version with that label."""
    ssm = member.client("ssm")
    ssm.label_parameter_version(Name=parameter, ParameterVersion=1, Labels=["stable"])
    sent = ssm.send_command(
        InstanceIds=[node], DocumentName="AWS-RunShellScript", Parameters={"commands": [f"echo {{{{ssm:{parameter}:stable}}}}"]}
    )
    answer = eventually(
        lambda: ssm.get_command_invocation(CommandId=sent["Command"]["CommandId"], InstanceId=node),
        lambda found: found["Status"] not in ("Pending", "InProgress", "Delayed"),
        60,
        retry=("InvocationDoesNotExist",),
    )
    assert (answer["Status"], answer["StandardOutputContent"]) == ("Success", "one\n")
