"""Our solution, unchanged, in each partition of AWS: deployed, rolled out, and nothing of another partition anywhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localorg.server.simulation.organization import Simulation
from localorg.server.spec import load_spec
from simulation.solution import HUB, LAB, REPOSITORY, SHOP, TEMPLATE, Operator, Packages, spec, why

pytestmark = pytest.mark.xdist_group("partitions")

GOVCLOUD = REPOSITORY / "examples" / "govcloud.yaml"
SPECS = {"aws-us-gov": load_spec(GOVCLOUD), "aws-cn": spec("aws-cn", ("cn-north-1", "cn-northwest-1"))}
HOME_OF_IAM = {"aws-us-gov": "us-gov-west-1", "aws-cn": "cn-north-1"}


@pytest.fixture(scope="module", params=SPECS)
def operator(request: pytest.FixtureRequest, packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator whose solution is deployed in a partition, with one roll-out done."""
    with Simulation(SPECS[request.param], tmp_path_factory.mktemp(request.param)) as simulation:
        operator = Operator(simulation, packages)
        operator.deploy()
        operator.publish("1.0.0")
        run = operator.distribute(operator.wish("1.0.0"))
        assert run["AutomationExecutionStatus"] == "Success", why(run)
        yield operator


def test_a_package_reaches_every_node(operator: Operator) -> None:
    """Observed here, Assumed of AWS: template, runbooks and package know no partition; every node has the package."""
    assert len(operator.markers()) >= 2
    assert set(operator.markers().values()) == {"1.0.0"}


def test_every_name_is_of_the_partition(operator: Operator) -> None:
    """Documented: IAM user guide, ARNs: everything that the calls were about, and who made them, names the partition of the account."""
    partition = operator.simulation.spec.partition
    told = [text for call in operator.simulation.engines.gateway.log for text in (call.principal, call.resource)]
    arns = {text for text in told if text.startswith("arn:")}
    assert len(arns) > 40
    assert {text.split(":")[1] for text in arns} == {partition}
    rows = operator.simulation.client("ssm").list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]
    shown = json.dumps([rows, operator.simulation.client("cloudformation").describe_stacks()], default=str)
    assert "arn:aws:" not in shown
    assert f"arn:{partition}:" in shown


def test_aws_managed_policies_are_the_partitions_own(operator: Operator) -> None:
    """Observed: in GovCloud and in China AWS's policies have ARNs of the partition; those of aws are an Invalid ARN partition."""
    iam, partition = operator.simulation.client("iam", SHOP), operator.simulation.spec.partition
    (attached,) = iam.list_attached_role_policies(RoleName="localorg-node")["AttachedPolicies"]
    assert attached["PolicyArn"] == f"arn:{partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
    with pytest.raises(ClientError, match=r"\(ValidationError\).*Invalid ARN partition"):
        iam.attach_role_policy(RoleName="localorg-node", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


def test_a_policy_of_another_partition_is_refused(operator: Operator) -> None:
    """Observed: MalformedPolicyDocument with IAM's own sentence; this is how a hard-coded arn:aws: is found out."""
    iam = operator.simulation.client("iam")
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::packages/*"}
    sentence = r'Partition "aws" is not valid for resource "arn:aws:s3:::packages/\*"'
    with pytest.raises(ClientError, match=rf"\(MalformedPolicyDocument\).*{sentence}"):
        iam.create_policy(PolicyName="foreign", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}}
    with pytest.raises(ClientError, match=r"\(MalformedPolicyDocument\).*Invalid principal in policy"):
        iam.create_role(RoleName="foreign", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))


def test_a_request_signed_for_another_partition_is_refused(operator: Operator) -> None:
    """Documented: General reference: credentials work within one partition; a global service too knows no Region of another."""
    simulation = operator.simulation
    for service, ask in (("sts", "get_caller_identity"), ("iam", "list_roles"), ("ssm", "list_documents")):
        with pytest.raises(ClientError, match="Credential should be scoped to a valid region, not 'us-east-1'"):
            getattr(simulation.session(region="us-east-1").client(service), ask)()
        getattr(simulation.session(region=simulation.spec.regions[1]).client(service), ask)()


def test_global_services_have_their_home_here(operator: Operator) -> None:
    """Documented: aws:RequestedRegion of IAM is the home Region of the partition's IAM, whatever Region the caller signed."""
    simulation = operator.simulation
    iam, home = simulation.client("iam", LAB), HOME_OF_IAM[simulation.spec.partition]
    condition = {"StringEquals": {"aws:RequestedRegion": home}}
    statement = {"Effect": "Deny", "Action": ["iam:ListUsers", "ssm:ListDocuments"], "Resource": "*", "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="admin", PolicyName="not-from-home", PolicyDocument=policy)
    away = simulation.session(LAB, next(region for region in simulation.spec.regions if region != home))
    with pytest.raises(ClientError, match=r"\(AccessDenied\).*iam:ListUsers"):
        away.client("iam").list_users()
    away.client("ssm").list_documents()
    iam.delete_user_policy(UserName="admin", PolicyName="not-from-home")


def test_no_account_of_another_partition_is_made(operator: Operator) -> None:
    """Documented: Organizations API, CreateGovCloudAccount: only from the commercial Regions, and not supported here: refused by name."""
    with pytest.raises(ClientError, match="CreateGovCloudAccount"):
        operator.simulation.client("organizations").create_gov_cloud_account(Email="a@example.com", AccountName="a")


def test_ec2_is_named_as_the_partition_names_it(operator: Operator) -> None:
    """Observed: nodes' roles trust ec2.amazonaws.com, in China ec2.amazonaws.com.cn; other services have one name everywhere."""
    role = operator.simulation.client("iam", SHOP).get_role(RoleName="localorg-node")["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    is_china = operator.simulation.spec.partition == "aws-cn"
    assert statement["Principal"]["Service"] == ("ec2.amazonaws.com.cn" if is_china else "ec2.amazonaws.com")
    trust = {**statement, "Principal": {"Service": "ssm.amazonaws.com.cn"}}
    with pytest.raises(ClientError, match=r'Invalid principal in policy: "SERVICE":"ssm.amazonaws.com.cn"'):
        operator.simulation.client("iam").create_role(
            RoleName="foreign", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )


def test_a_version_follows_and_everything_goes_again(operator: Operator) -> None:
    """The rest of the way in each partition: an upgrade in place, an uninstallation, and the solution removed as the how-to tells."""
    simulation = operator.simulation
    operator.publish("1.1.0")
    run = operator.distribute(operator.wish("1.1.0", installationType=["In-place update"]))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    assert set(operator.markers().values()) == {"1.1.0"}
    run = operator.distribute(operator.wish("", "Uninstall"))
    assert run["AutomationExecutionStatus"] == "Success", why(run)
    assert set(operator.markers().values()) == {""}
    operator.remove()
    for account in (HUB, SHOP, LAB):
        roles = simulation.client("iam", account).list_roles()["Roles"]
        assert [role["RoleName"] for role in roles if role["RoleName"].startswith("CSD-")] == []
    for region in simulation.spec.regions:
        documents = simulation.client("ssm", region=region).list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])
        assert documents["DocumentIdentifiers"] == []


def test_our_artifacts_name_no_partition() -> None:
    """D11, S11: no text that we ship says arn:aws: or a host name of one partition."""
    assert "arn:aws:" not in TEMPLATE
    assert "s3.amazonaws.com" not in TEMPLATE
