"""A template that is not ours: DependsOn, GetAtt, conditions, mappings, and a resource that fails, over the same engine."""

import pytest
from stacks.world import HUB, NAMED, World

FOREIGN = """
AWSTemplateFormatVersion: 2010-09-09
Description: Logging roles of another team
Parameters:
  Stage: {Type: String, AllowedValues: [dev, prod], Default: dev}
  Teams: {Type: CommaDelimitedList, Default: 'red,blue'}
Mappings:
  Sessions:
    dev: {Seconds: 3600}
    prod: {Seconds: 7200}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
Resources:
  Reader:
    Type: AWS::IAM::Role
    DependsOn: Runbook
    Properties:
      RoleName: !Join ['-', [reader, !Ref Stage]]
      MaxSessionDuration: !FindInMap [Sessions, !Ref Stage, Seconds]
      Description: !If [IsProd, careful, !Ref 'AWS::NoValue']
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          - {Effect: Allow, Principal: {AWS: !GetAtt Writer.Arn}, Action: 'sts:AssumeRole'}
  Writer:
    Type: AWS::IAM::Role
    Metadata: {why: comes first though it is written second}
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: 'sts:AssumeRole'}]
      Policies:
        - PolicyName: !Select [0, !Ref Teams]
          PolicyDocument:
            Version: '2012-10-17'
            Statement: [{Effect: Allow, Action: 's3:PutObject', Resource: !Sub 'arn:${AWS::Partition}:s3:::logs-${AWS::AccountId}/*'}]
  Runbook:
    Type: AWS::SSM::Document
    Properties:
      DocumentType: Automation
      Content:
        schemaVersion: '0.3'
        assumeRole: !GetAtt Writer.Arn
        mainSteps: [{name: wait, action: 'aws:sleep', inputs: {Duration: PT1S}}]
  OnlyProd:
    Type: AWS::IAM::Role
    Condition: IsProd
    Properties:
      RoleName: prod-only
      AssumeRolePolicyDocument: {Version: '2012-10-17', Statement: []}
  Placeholder:
    Type: AWS::CloudFormation::WaitConditionHandle
    Condition: IsDev
Outputs:
  Reader: {Value: !GetAtt Reader.Arn, Description: Who reads}
  Prod: {Value: !Ref OnlyProd, Condition: IsProd}
"""


def test_it_comes_up_in_its_own_order():
    """Documented: CloudFormation user guide, DependsOn, GetAtt, Conditions, Mappings."""
    world = World()
    assert world.create(FOREIGN) == "CREATE_COMPLETE"
    done = [name for name, status in world.story() if status == "CREATE_COMPLETE"]
    assert done.index("Writer") < done.index("Runbook") < done.index("Reader")
    assert "OnlyProd" not in done
    assert world.outputs() == {"Reader": f"arn:aws:iam::{HUB}:role/reader-dev"}
    reader = world.iam.roles[HUB, "reader-dev"]
    assert reader["MaxSessionDuration"] == 3600
    assert "Description" not in reader
    assert "one-Writer-" in reader["AssumeRolePolicyDocument"]


def test_another_value_turns_conditions_around():
    """Documented: CloudFormation user guide, conditions are evaluated anew by every update; names follow."""
    world = World()
    world.create(FOREIGN)
    assert world.update(FOREIGN, Parameters=[{"ParameterKey": "Stage", "ParameterValue": "prod"}]) == "UPDATE_COMPLETE"
    assert set(world.outputs()) == {"Reader", "Prod"}
    assert {name for _, name in world.iam.roles if "Writer" not in name} == {"reader-prod", "prod-only"}
    assert world.iam.roles[HUB, "reader-prod"]["Description"] == "careful"
    listed = world.call("ListStackResources", {"StackName": "one"})["StackResourceSummaries"]
    assert "Placeholder" not in [row["LogicalResourceId"] for row in listed]


@pytest.mark.parametrize("taken", ["reader-dev", "prod-only"])
def test_a_failing_resource_leaves_nothing_of_it(taken):
    """Documented: CloudFormation user guide, a failed creation is rolled back, whatever failed."""
    world = World()
    world.iam.roles[HUB, taken] = {"policies": {}, "attached": [], "tags": {}}
    stage = "prod" if taken == "prod-only" else "dev"
    assert world.create(FOREIGN, Parameters=[{"ParameterKey": "Stage", "ParameterValue": stage}]) == "ROLLBACK_COMPLETE"
    assert set(world.iam.roles) == {(HUB, taken)}
    assert world.ssm.documents == {}
    assert any(f"Role with name {taken} already exists." in reason for reason in world.reasons())


def test_it_goes_without_a_trace():
    """Documented: CloudFormation API reference, DeleteStack."""
    world = World()
    world.create(FOREIGN)
    world.delete()
    assert world.iam.roles == {}
    assert world.ssm.documents == {}


def test_two_stacks_of_it_do_not_meet():
    """Documented: CloudFormation user guide: names are unique per account and Region; IAM is global within the account."""
    world = World()
    world.create(FOREIGN)
    params = {"StackName": "one", "TemplateBody": FOREIGN, "Capabilities": NAMED}
    world.call("CreateStack", params, account="222222222222")
    world.run()
    assert {account for account, _ in world.iam.roles} == {HUB, "222222222222"}
