"""Documents at the door: what AWS would refuse is malformed, what only we cannot judge is unsupported, and both name every problem."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from identity.world import HUB, MEMBER, World, allow

from localorg.identity.managed import AwsManagedPolicies
from localorg.identity.policy import Kind, parse_policy
from localorg.kernel.errors import AccessDenied, AwsError, NotSupported
from localorg.protocol.calls import Access

ARTIFACTS = Path(__file__).parents[3] / "artifacts"
ALLOW = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "sts:AssumeRole"}


def without(statement: dict[str, Any], *names: str, **more: Any) -> dict[str, Any]:
    return {**{key: value for key, value in statement.items() if key not in names}, **more}


MALFORMED: list[tuple[Kind, Any, str]] = [
    ("identity", "{", "This policy contains invalid Json"),
    ("identity", "[]", "Syntax errors in policy. (expected an object"),
    ("identity", '{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}', "duplicate key Version"),
    ("identity", {"Version": "2013-01-01", "Statement": ALLOW}, "Syntax errors in policy. (Version: found '2013-01-01')"),
    ("identity", {"Statement": ALLOW, "Statements": ALLOW}, "Syntax errors in policy. (Statements: no element of a policy)"),
    ("identity", {"Version": "2012-10-17"}, "(Statement: a policy needs at least one statement)"),
    ("identity", {"Statement": ["x"]}, "Syntax errors in policy. (Statement[0]: expected an object"),
    ("identity", {"Statement": [ALLOW, without(ALLOW, "Effect")]}, "Statement[1].Effect"),
    ("identity", {"Statement": without(ALLOW, Efect="Allow")}, "Efect is no element of a statement"),
    ("identity", {"Statement": without(ALLOW, "Action")}, "Policy statement must contain actions."),
    ("identity", {"Statement": without(ALLOW, NotAction="*")}, "both Action and NotAction"),
    ("identity", {"Statement": without(ALLOW, Action=[])}, "Policy statement must contain actions. (Statement[0].Action)"),
    ("identity", {"Statement": without(ALLOW, Action="GetObject")}, "Actions/Conditions must be prefaced by a vendor"),
    ("identity", {"Statement": without(ALLOW, "Resource")}, "Policy statement must contain resources."),
    ("identity", {"Statement": without(ALLOW, Resource="bucket")}, 'Resource bucket must be in ARN format or "*".'),
    ("identity", {"Statement": without(ALLOW, Principal="*")}, "Policy document should not specify a principal."),
    ("identity", {"Statement": without(ALLOW, Sid="not alphanumeric")}, "Statement IDs (SID) must be alpha-numeric"),
    ("identity", {"Statement": [without(ALLOW, Sid="A"), without(ALLOW, Sid="A")]}, "(SID) in a single policy must be unique. (A)"),
    ("identity", {"Statement": without(ALLOW, Condition={"StringEqual": {"aws:SourceArn": "x"}})}, "Invalid Condition type : StringEqual"),
    ("identity", {"Statement": without(ALLOW, Condition={"StringEquals": "x"})}, "expected an object of condition keys"),
    ("identity", {"Statement": without(ALLOW, Condition={"Bool": {"aws:SourceArn": {}}})}, "expected a string or a list of strings"),
    ("trust", {"Statement": without(TRUST, "Principal")}, "Missing required field Principal"),
    ("trust", {"Statement": without(TRUST, Resource="*")}, "Has prohibited field Resource"),
    ("trust", {"Statement": without(TRUST, Action="s3:GetObject")}, "AssumeRole policy may only specify STS AssumeRole actions."),
    ("trust", {"Statement": without(TRUST, Principal={"AWS": "arn:aws:iam::1:root"})}, '"AWS":"arn:aws:iam::1:root"'),
    ("trust", {"Statement": without(TRUST, Principal={"AWS": f"arn:aws:iam::{HUB}:role/*"})}, "Invalid principal in policy"),
    ("trust", {"Statement": without(TRUST, Principal={"Service": "ssm"})}, 'Invalid principal in policy: "SERVICE":"ssm"'),
    ("trust", {"Statement": without(TRUST, Principal={"Srvice": "ssm.amazonaws.com"})}, '"Srvice" is no kind of principal'),
    ("resource", {"Statement": ALLOW}, "Missing required field Principal"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "written", "words"), MALFORMED, ids=[row[2] for row in MALFORMED])
def test_what_aws_refuses_is_malformed(kind: Kind, written: Any, words: str) -> None:
    """Documented: IAM user guide, "Grammar of the IAM JSON policy language"; the words are Observed in IAM's answers."""
    with pytest.raises(AwsError) as refusal:
        parse_policy(written, kind)
    assert refusal.value.code == "MalformedPolicyDocument"
    assert words in refusal.value.message


def test_every_problem_is_named_at_once() -> None:
    """House rule: validators report all problems at once, each with its place; AWS's own sentence of the first one leads."""
    with pytest.raises(AwsError) as refusal:
        parse_policy({"Statement": [{"Effect": "allow", "Action": "x", "Resource": "y"}, {"Efect": "Allow"}]}, "identity")
    assert refusal.value.message.split("; ") == [
        "Syntax errors in policy. (Statement[0].Effect: expected Allow or Deny, found 'allow')",
        "Syntax errors in policy. (Statement[1]: Efect is no element of a statement)",
        "Syntax errors in policy. (Statement[1].Effect: expected Allow or Deny, found None)",
        "Policy statement must contain actions. (Statement[1])",
        "Policy statement must contain resources. (Statement[1])",
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. (Statement[0].Action: found 'x')",
        'Resource y must be in ARN format or "*". (Statement[0].Resource)',
    ]


def test_a_trust_policy_names_only_who_exists() -> None:
    """Documented: IAM user guide, Principal element: IAM refuses a user or role that it does not find."""
    world = World()
    role = world.role(MEMBER, "There", {"AWS": HUB})
    world.role(HUB, "Fine", {"AWS": [role, f"arn:aws:iam::{MEMBER}:user/admin"]})
    with pytest.raises(AwsError) as refusal:
        world.role(HUB, "Bad", {"AWS": [role, f"arn:aws:iam::{MEMBER}:role/Gone", f"arn:aws:iam::{MEMBER}:user/gone"]})
    assert refusal.value.code == "MalformedPolicyDocument"
    assert refusal.value.message == (
        f'Invalid principal in policy: "AWS":"arn:aws:iam::{MEMBER}:role/Gone"; '
        f'Invalid principal in policy: "AWS":"arn:aws:iam::{MEMBER}:user/gone"'
    )
    with pytest.raises(AwsError, match="Invalid principal in policy"):
        world.identity.validate_policy(
            {"Statement": without(ALLOW, Principal={"AWS": f"arn:aws:iam::{HUB}:role/No"})}, "resource"
        )


def test_trust_does_not_come_back_with_a_name() -> None:
    """Documented: IAM user guide, Principal element: a deleted role's ARN turns into its unique id, and a new role is another one."""
    world = World()
    role = world.role(MEMBER, "There", {"AWS": MEMBER}, [allow("sts:AssumeRole")])
    target = world.role(HUB, "Target", {"AWS": role}, None, ArnEquals={"aws:PrincipalArn": role})
    first_id = world.call(world.admin(MEMBER), "iam", "GetRole", RoleName="There")["Role"]["RoleId"]
    world.assume(world.assume(world.admin(MEMBER), role), target)
    world.call(world.admin(MEMBER), "iam", "DeleteRolePolicy", RoleName="There", PolicyName="inline")
    world.call(world.admin(MEMBER), "iam", "DeleteRole", RoleName="There")
    kept = json.loads(world.identity.directory.role(HUB, "Target").trust)["Statement"][0]
    assert kept["Principal"] == {"AWS": first_id}
    assert kept["Condition"] == {"ArnEquals": {"aws:PrincipalArn": role}}
    world.role(MEMBER, "There", {"AWS": MEMBER}, [allow("sts:AssumeRole")])
    again = world.assume(world.admin(MEMBER), role)
    with pytest.raises(AccessDenied, match="no role trust policy"):
        world.assume(again, target)


def test_aws_managed_policies_are_aws_own() -> None:
    """Documented: AWS managed policy reference guide: real content, in the partition of the organization."""
    policies = {policy.name: policy for policy in AwsManagedPolicies("aws-cn").all()}
    core = json.loads(policies["AmazonSSMManagedInstanceCore"].document)
    assert "ec2messages:GetMessages" in core["Statement"][2]["Action"]
    assert policies["AdministratorAccess"].arn == "arn:aws-cn:iam::aws:policy/AdministratorAccess"
    assert policies["AmazonSSMAutomationRole"].arn == "arn:aws-cn:iam::aws:policy/service-role/AmazonSSMAutomationRole"
    assert "arn:aws:" not in "".join(policy.document for policy in policies.values())
    for policy in policies.values():
        parse_policy(policy.document, "managed")


def test_what_cannot_be_judged_refuses_only_when_it_decides() -> None:
    """House rule: a policy may name any key of AWS; a call that hangs on one which nobody here can fill is refused by name."""
    world = World()
    linked = world.identity.service_linked_role(HUB, "ssm.amazonaws.com")
    check = world.identity.authoriser.denial
    assert check(linked, "eu-west-1", Access("ssm:SendCommand")) is None
    assert check(linked, "eu-west-1", Access("ssm:CreateDocument")) is not None
    with pytest.raises(NotSupported, match="the condition key ssm:InventoryTypeName"):
        check(linked, "eu-west-1", Access("ssm:PutInventory"))


NO_VALUE = {"Ref": "AWS::NoValue"}
TRUE, FALSE = 1, 2


def resolved(value: Any, branch: int) -> Any:
    """Return a piece of a template with its functions filled in, as far as policies need it; every condition is `branch`."""
    if isinstance(value, list):
        chosen = [item["Fn::If"][branch] if isinstance(item, dict) and "Fn::If" in item else item for item in value]
        return [resolved(item, branch) for item in chosen if item != NO_VALUE]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return HUB
    if "Fn::If" in value:
        return resolved(value["Fn::If"][branch], branch)
    if "Fn::Split" in value:  # the list of keys
        return ["arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
    if "Fn::Sub" in value:
        return re.sub(r"\$\{[A-Za-z:]+\}", HUB, value["Fn::Sub"].replace("${AWS::Partition}", "aws"))
    return {key: resolved(item, branch) for key, item in value.items()}


def policies_in(template: dict[str, Any], branch: int) -> Iterator[tuple[Kind, dict[str, Any]]]:
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            yield "trust", resolved(properties["AssumeRolePolicyDocument"], branch)
            yield from (("identity", resolved(policy["PolicyDocument"], branch)) for policy in properties.get("Policies", ()))
        if resource["Type"] == "AWS::CloudFormation::StackSet":
            yield from policies_in(yaml.load(properties["TemplateBody"], yaml.CSafeLoader), branch)


@pytest.mark.parametrize("branch", [TRUE, FALSE], ids=["with-everything-chosen", "with-nothing-chosen"])
def test_the_policies_of_the_solution_can_all_be_judged(branch: int) -> None:
    """What we ship uses nothing that this evaluator refuses: every policy of the rendered template is parsed."""
    template = yaml.load((ARTIFACTS / "CentralizedSoftwareDistributor.yaml").read_text(), yaml.CSafeLoader)
    found = list(policies_in(template, branch))
    assert len(found) >= 8
    for kind, policy in found:
        parse_policy(policy, kind)
