"""What a template asks of Parameter Store and of EC2: parameters by type, dynamic references."""

import pytest
from stacks.world import HUB, World, admin, role, template

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Operation

STORED = {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/url"}}


def refusal_of(world, body, **params) -> str:
    with pytest.raises(AwsError) as refusal:
        world.create(body, **params)
    return refusal.value.message


def test_a_parameter_of_a_stack_may_stand_for_one_of_parameter_store():
    """Documented: CloudFormation user guide, AWS::SSM::Parameter::Value: the value is read at each creation and update, as the caller."""
    world = World()
    world.ssm.parameters = {"/app/url": ("String", "one"), "/app/zones": ("StringList", "a,b")}
    zones = {"Z": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/app/zones"}}
    text = {"Fn::Join": ["-", [{"Ref": "P"}, {"Fn::Select": [1, {"Ref": "Z"}]}]]}
    body = template({"A": role(RoleName="a", Description=text)}, Parameters={**STORED, **zones})
    assert world.create(body) == "CREATE_COMPLETE"
    assert world.iam.roles[HUB, "a"]["Description"] == "one-b"
    shown = {row["ParameterKey"]: row for row in world.stack()["Parameters"]}
    assert shown["P"] == {"ParameterKey": "P", "ParameterValue": "/app/url", "ResolvedValue": "one"}
    assert set(world.ssm.asked_by) == {admin().arn}
    world.ssm.parameters["/app/url"] = ("String", "two")
    assert world.update(body, Parameters=[{"ParameterKey": "P", "UsePreviousValue": True}]) == "UPDATE_COMPLETE"
    assert world.iam.roles[HUB, "a"]["Description"] == "two-b"


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ({}, "Unable to fetch parameters [/app/url] from parameter store for this account."),
        (
            {"/app/url": ("SecureString", "x")},
            "Parameters [/app/url] referenced by template have types not supported by CloudFormation.",
        ),
    ],
)
def test_a_stored_parameter_that_cannot_be_had(there, words):
    """Observed: CloudFormation's sentences for parameters of Parameter Store that are absent or secret."""
    world = World()
    world.ssm.parameters = there
    assert refusal_of(world, template({"A": role()}, Parameters=STORED)) == words


def test_a_name_of_a_parameter_is_only_checked():
    """Documented: CloudFormation user guide, AWS::SSM::Parameter::Name: Ref gives the name."""
    world = World()
    body = template(
        {"A": role(RoleName="a", Description={"Ref": "N"})},
        Parameters={"N": {"Type": "AWS::SSM::Parameter::Name", "Default": "/there"}},
    )
    assert "Unable to fetch parameters [/there]" in refusal_of(world, body)
    world.ssm.parameters["/there"] = ("SecureString", "x")
    assert "types not supported" in refusal_of(world, body)
    world.ssm.parameters["/there"] = ("String", "x")
    assert world.create(body) == "CREATE_COMPLETE"
    assert world.iam.roles[HUB, "a"]["Description"] == "/there"


def test_instances_have_to_exist_and_rules_see_them_all():
    """Documented: CloudFormation user guide, AWS-specific parameter types; Fn::RefAll gives all values of such a type."""
    world = World()

    def instances(request):
        asked = request.params["InstanceIds"]
        if asked != ["i-0123456789abcdef0"]:
            raise AwsError("InvalidInstanceID.NotFound", f"The instance ID '{asked[0]}' does not exist")
        return {"Reservations": [{"Instances": [{"InstanceId": asked[0]}]}]}

    world.gateway.add([Operation("ec2", "DescribeInstances", instances)])
    rule = {
        "Assertions": [{"Assert": {"Fn::EachMemberIn": [{"Fn::RefAll": "AWS::EC2::Instance::Id"}, {"Fn::Split": [",", "x"]}]}}]
    }
    parameters = {"I": {"Type": "AWS::EC2::Instance::Id"}}
    body = template({"A": role(Description={"Ref": "I"})}, Parameters=parameters)
    value = [{"ParameterKey": "I", "ParameterValue": "i-gone"}]
    told = refusal_of(world, body, Parameters=value)
    assert told == "Parameter validation failed: parameter value i-gone for parameter name I does not exist"
    value = [{"ParameterKey": "I", "ParameterValue": "i-0123456789abcdef0"}]
    assert world.create(body, Parameters=value) == "CREATE_COMPLETE"
    ruled = template({"A": role()}, Parameters=parameters, Rules={"R": rule})
    assert "cannot be used in the Rules block" in refusal_of(world, ruled, name="two", Parameters=value)
    rule["Assertions"][0]["Assert"]["Fn::EachMemberIn"][1] = ["i-other"]
    told = refusal_of(world, template({"A": role()}, Parameters=parameters, Rules={"R": rule}), name="two", Parameters=value)
    assert told == "Rule R: assertion 0 does not hold"


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("Fn::Select", [0, ["true"]]),
        ("Fn::Split", [",", "a"]),
        ("Fn::Join", ["", ["true"]]),
        ("Fn::Sub", "true"),
        ("Fn::If", ["C", True, False]),
        ("Fn::FindInMap", ["M", "a", "b"]),
    ],
)
def test_rules_have_functions_of_their_own(name, argument):
    """Documented: Rule functions, "Supported functions": Ref and those that are listed there, and no other."""
    body = template(
        {"A": role()},
        Conditions={"C": {"Fn::Equals": ["a", "a"]}},
        Mappings={"M": {"a": {"b": "true"}}},
        Rules={"R": {"Assertions": [{"Assert": {"Fn::Equals": ["true", {name: argument}]}}]}},
    )
    assert f"Template error: {name} cannot be used in the Rules block of the template" in refusal_of(World(), body)


def test_dynamic_references_are_read_when_their_resource_is_made():
    """Documented: CloudFormation user guide, {{resolve:ssm:name:version}} in properties, also out of Fn::Sub."""
    world = World()
    world.ssm.parameters = {"/a": ("String", "one"), "/b:2": ("String", "two")}
    body = template(
        {"A": role(RoleName="a", Description={"Fn::Sub": "{{resolve:ssm:/${P}}}-{{resolve:ssm:/b:2}}"})},
        Parameters={"P": {"Type": "String", "Default": "a"}},
    )
    assert world.create(body) == "CREATE_COMPLETE"
    assert world.iam.roles[HUB, "a"]["Description"] == "one-two"
    world.ssm.parameters["/a"] = ("String", "new")
    assert world.update(body) == "UPDATE_COMPLETE"
    assert world.iam.roles[HUB, "a"]["Description"] == "new-two"


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("{{resolve:ssm:/absent}}", "Parameters: [ssm:/absent] cannot be found."),
        ("{{resolve:ssm:/secret}}", "is a SecureString"),
    ],
)
def test_a_dynamic_reference_that_cannot_be_had_fails_its_resource(reference, words):
    """Observed: CloudFormation's sentence for a missing parameter, as the reason of the resource's failure."""
    world = World()
    world.ssm.parameters = {"/secret": ("SecureString", "x")}
    assert world.create(template({"A": role(Description=reference)})) == "ROLLBACK_COMPLETE"
    assert words in world.reasons()[1]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("{{resolve:ssm-secure:/x:1}}", "does not support dynamic references to secrets: {{resolve:ssm-secure:/x:1}}"),
        ("{{resolve:ssm:/x:y}}", "Incorrect format is used in the following SSM reference: [{{resolve:ssm:/x:y}}]"),
        ("{{resolve:other:/x}}", "Incorrect format"),
    ],
)
def test_a_reference_that_is_none_is_refused_at_once(reference, words):
    """Documented: CloudFormation user guide, dynamic reference patterns. Assumed: what is refused early."""
    assert words in refusal_of(World(), template({"A": role(Description=reference)}))
