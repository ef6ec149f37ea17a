"""Parameters for any operation along its model: good ones that reach deep, boundary ones, and ones that mean harm.

Flow: seed -> `Guesser.params(shape)` -> a dictionary that mostly keeps to the model's constraints, with one place spoilt when asked.
The pool holds what is known in the little organization (ids, names, ARNs), so that many guesses name something that is there.
"""

import json
from functools import cache
from random import Random
from typing import Any

from localorg.protocol.patterns import compiled

HUB, MEMBER, SUSPENDED, OUTSIDER = "111111111111", "222222222222", "333333333333", "444444444444"
REGION = "eu-west-1"
NODE = "i-0123456789abcdef0"
ARN = f"arn:aws:iam::{HUB}:role"
STATEMENT = {"Effect": "Allow", "Action": "*", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": STATEMENT})
TRUST = json.dumps({"Statement": {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "sts:AssumeRole"}})
KEY_POLICY = json.dumps({"Statement": {**STATEMENT, "Principal": {"AWS": HUB}}})
RUNBOOK = json.dumps(
    {
        "schemaVersion": "0.3",
        "parameters": {"name": {"type": "String", "default": "x"}},
        "mainSteps": [{"name": "wait", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}],
    }
)
STEPS = [{"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": ["echo"]}}]
COMMAND = json.dumps({"schemaVersion": "2.2", "mainSteps": STEPS})
STACK_POLICY = '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"Update:*","Resource":"*"}]}'
LOOPING = (
    '{"Transform":"AWS::LanguageExtensions","Resources":{"Fn::ForEach::L":["N",["a","b"],'
    '{"T${N}":{"Type":"AWS::SSM::Parameter","Properties":{"Type":"String","Value":{"Fn::ToJsonString":["${N}"]}}}}]}}'
)
BUCKET = json.dumps(
    {"Resources": {"T": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": json.loads(TRUST)}}}}
)
REPLY = json.dumps({"documentStatus": "Success", "runtimeStatus": {"say": {"status": "Success", "code": 0, "output": "\ud800"}}})
DEEP = "[" * 5_000
BOMB = "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 8)}]\n" for n in range(8)
)
POOL = [
    *(
        HUB,
        MEMBER,
        SUSPENDED,
        REGION,
        "us-east-1",
        NODE,
        "r-abcd",
        "ou-abcd-11111111",
        "o-example001",
        "Greet",
        "Runbook",
        "hub-role",
    ),
    *(
        "AWS-RunShellScript",
        "AWS-ConfigureAWSPackage",
        "admin",
        "localorg-node",
        "stack",
        "set",
        "group",
        "node",
        "Online",
        "1",
        "2",
    ),
    *(
        "$DEFAULT",
        "$LATEST",
        "*",
        "tag:Name",
        "tag:Role",
        "InstanceIds",
        "resource-groups:Name",
        "ParameterValues",
        "Owner",
        "Self",
    ),
    *(f"{ARN}/hub-role", f"{ARN}/localorg-node", f"arn:aws:iam::{HUB}:user/admin", "arn:aws:iam::aws:policy/AdministratorAccess"),
    *(f"arn:aws:ssm:{REGION}:{HUB}:document/Greet", f"arn:aws:iam::{MEMBER}:root", "ssm.amazonaws.com", "rate(30 minutes)"),
    *(
        "cron(0 2 ? * SUN *)",
        "cron(0 0 0 0 0 0)",
        "rate(0 days)",
        "at(2027-01-01T00:00:00)",
        "PT5M",
        "Custom:Rack",
        "1.0",
        "2027-01-01T00:00:00Z",
        "50%",
        "0%",
    ),
    *("999999999%", "0", "-1", "s3://bucket/prefix", "https://s3.amazonaws.com/bucket/prefix", "a" * 64, "AKIAIOSFODNN7EXAMPLE"),
    *("11111111-1111-1111-1111-111111111111", "11111111-2222-3333-4444-555555555555", f"aws.ssm.1.{NODE}", "TAG_FILTERS_1_0"),
    *(POLICY, TRUST, RUNBOOK, COMMAND, BUCKET, REPLY, "{}", "[]", "null", "x", "X" * 40, "name", "Name", "Key", "text"),
    *('{"ResourceTypeFilters":["AWS::EC2::Instance"],"TagFilters":[{"Key":"Name","Values":["node"]}]}', "ec2:instance"),
]
NAMED = {
    "KeyId": ["alias/release", "alias/none", f"arn:aws:kms:{REGION}:{HUB}:alias/release"],
    "AliasName": ["alias/release", "alias/second", "alias/aws/s3", "second"],
    "KeySpec": ["ECC_NIST_P256", "RSA_2048"],
    "KeyUsage": ["SIGN_VERIFY"],
    "SigningAlgorithm": ["ECDSA_SHA_256", "RSASSA_PSS_SHA_512"],
    "Policy": [KEY_POLICY, DEEP],
    "TemplateBody": [BUCKET, LOOPING, "Resources: {T: {Type: 'AWS::SSM::Document', Properties: {Content: {}}}}"],
    "StackName": ["stack", "other"],
    "StackPolicyBody": [STACK_POLICY, DEEP, '{"Statement":[{"Effect":"Deny"}]}'],
    "StackPolicyDuringUpdateBody": [STACK_POLICY, DEEP],
    "LogicalResourceId": ["T", "B"],
    "ResourcesToSkip": ["T", "B"],
    "RetainResources": ["T", "B"],
    "ClientRequestToken": ["one", "two"],
    "StackSetName": ["set", "stacks"],
    "ChangeSetName": ["change"],
    "ChangeSetType": ["CREATE", "UPDATE"],
    "PermissionModel": ["SERVICE_MANAGED", "SELF_MANAGED"],
    "CallAs": ["SELF"],
    "AdministrationRoleARN": [f"{ARN}/hub-role"],
    "ExecutionRoleName": ["hub-role", "localorg-node"],
    "StackInstanceAccount": [MEMBER],
    "StackInstanceRegion": [REGION],
    "Regions": [REGION, "us-east-1"],
    "Accounts": [HUB, MEMBER, SUSPENDED],
    "OrganizationalUnitIds": ["ou-abcd-11111111", "r-abcd"],
    "Capabilities": ["CAPABILITY_NAMED_IAM"],
    "RoleName": ["hub-role", "localorg-node", "x"],
    "UserName": ["admin", "user", "x"],
    "InstanceProfileName": ["localorg-node", "profile"],
    "GroupName": ["group", "x"],
    "NewUserName": ["user", "x"],
    "NewGroupName": ["group", "x"],
    "PermissionsBoundary": ["arn:aws:iam::aws:policy/PowerUserAccess", f"arn:aws:iam::{HUB}:policy/managed"],
    "AccountAlias": ["hub", "the-hub"],
    "PolicyName": ["inline", "managed"],
    "PolicyArn": ["arn:aws:iam::aws:policy/AdministratorAccess", f"arn:aws:iam::{HUB}:policy/managed"],
    "PolicyDocument": [POLICY, TRUST],
    "PolicyInputList": [POLICY],
    "PermissionsBoundaryPolicyInputList": [POLICY],
    "ResourcePolicy": [POLICY, TRUST],
    "PolicySourceArn": [f"{ARN}/hub-role", f"arn:aws:iam::{HUB}:user/admin"],
    "CallerArn": [f"arn:aws:iam::{HUB}:user/admin"],
    "ResourceOwner": [MEMBER],
    "ActionNames": ["ssm:GetDocument", "s3:GetObject"],
    "ResourceArns": [f"arn:aws:ssm:{REGION}:{HUB}:document/Greet", "*"],
    "ContextKeyName": ["aws:username", "aws:TagKeys"],
    "AssumeRolePolicyDocument": [TRUST],
    "RoleArn": [f"{ARN}/hub-role", f"{ARN}/localorg-node"],
    "RoleSessionName": ["session", NODE],
    "Name": [
        "Greet",
        "Runbook",
        "AWS-RunShellScript",
        "new",
        "node",
        "group",
        "association",
        f"arn:aws:ssm:{REGION}:{HUB}:document/Greet",
    ],
    "DocumentName": ["Greet", "Runbook", "AWS-RunShellScript"],
    "Content": [COMMAND, RUNBOOK, COMMAND.replace("echo", "true"), BOMB, DEEP, POLICY],
    "DocumentType": ["Command", "Automation", "Package"],
    "DocumentFormat": ["JSON", "YAML"],
    "DocumentVersion": ["$DEFAULT", "$LATEST", "1"],
    "InstanceId": [NODE],
    "InstanceIds": [NODE, "i-99999999999999999"],
    "Resources": [NODE, "ami-00000000000000000"],
    "ResourceId": [NODE, "Greet", HUB, "ou-abcd-11111111", "r-abcd"],
    "Destination": [NODE],
    "Payload": [
        REPLY,
        DEEP,
        '{"documentStatus":"InProgress","runtimeStatus":{"a":{"status":"Success","code":0}}}',
        '{"documentStatus":[]}',
    ],
    "AccountId": [HUB, MEMBER, SUSPENDED],
    "ParentId": ["r-abcd", "ou-abcd-11111111"],
    "TargetId": ["r-abcd", "ou-abcd-11111111", MEMBER],
    "RootId": ["r-abcd"],
    "PolicyId": ["p-FullAWSAccess"],
    "PolicyType": ["SERVICE_CONTROL_POLICY"],
    "Filter": ["SERVICE_CONTROL_POLICY"],
    "Id": [OUTSIDER],
    "ServicePrincipal": ["ssm.amazonaws.com", "member.org.stacksets.cloudformation.amazonaws.com"],
    "AWSServiceName": ["ssm.amazonaws.com"],
    "ScheduleExpression": ["rate(30 minutes)", "cron(0 2 ? * SUN *)", "cron(* * 31 2 ? *)", "at(2027-02-01T00:00:00)"],
    "MaxConcurrency": ["1", "50%", "100%"],
    "MaxErrors": ["0", "1", "50%"],
    "Query": ['{"ResourceTypeFilters":["AWS::EC2::Instance"],"TagFilters":[{"Key":"Name","Values":["node"]}]}', DEEP, "{}"],
    "Type": ["TAG_FILTERS_1_0", "SERVICE_CONTROL_POLICY", "ACCOUNT"],
}
"""Texts for members of these names, whatever their shape: so that many calls get past the models to where the work is."""
HARM = [
    *(
        "",
        " ",
        "\t",
        "x" * 100_000,
        "a" * 300 + "!",
        "\x00",
        "\x1b[31m",
        "\x1f",
        "\ufffe",
        "ünïcödé",
        "🎉" * 50,
        "../../etc/passwd",
        "%00",
    ),
    *(
        "' OR 1=1 --",
        "<a>&b;</a>",
        "${aws:username}",
        "{{ global:DATE }}",
        "{{ automation:EXECUTION_ID }}",
        "{{" * 500,
        "\r\nX: y",
    ),
    *(
        DEEP,
        '{"a":' * 900,
        BOMB,
        '"\\ud800"',
        '{"schemaVersion":"2.2","description":"\\ud800","mainSteps":[]}',
        "- " * 3_000,
        "!!python/object:x",
    ),
    *(
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"\\udfff","Resource":"*"}]}',
        "NaN",
        "1e999",
        "-0",
        "²",
        "9" * 5000,
    ),
    *(
        "arn:",
        "arn:aws:::::",
        "arn:aws:iam::::::",
        ":" * 200,
        "/" * 200,
        "." * 200,
        "*" * 200,
        "*a" * 60 + "b",
        "i-",
        "mi-",
        "ou-",
        "$",
        "%",
    ),
]
STRANGE: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    1.5,
    1e308,
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"x": {"y": []}},
    "",
]


@cache
def fitting(pattern: str, least: int, most: int) -> list[str]:
    """Return the texts of the pool that keep to a string's constraints."""
    fits = compiled(pattern).fullmatch if pattern else None
    found = [text for text in POOL if least <= len(text) <= most and (fits is None or fits(text))]
    return found or [text for text in ("a" * max(least, 1), "1" * max(least, 1)) if fits is None or fits(text)]


class Guesser:
    """Guesses from one seed; the same seed guesses the same."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.known: list[str] = []
        """Ids that answers brought; tried in the calls that follow."""
        self.chance = 0.5
        """How likely an optional member is given; few bring a call further, many try more."""

    def params(self, shape: Any, *, spoil: bool) -> dict[str, Any]:
        """Return parameters for an input shape; with `spoil`, one place anywhere is replaced by something strange."""
        if shape is None:
            return {}
        self.chance = self.dice.choice([0.03, 0.15, 0.5])
        params: dict[str, Any] = self._structure(shape, 0)
        if spoil:
            self._spoil(params)
        return params

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        chance = self.chance if depth < 4 else 0.0
        wanted = [name for name in shape.members if name in shape.required_members or self.dice.random() < chance]
        return {name: self._value(shape.members[name], depth + 1, name) for name in wanted}

    def _value(self, shape: Any, depth: int, name: str = "") -> Any:
        dice, data = self.dice, shape.metadata
        match shape.type_name:
            case "structure":
                return self._structure(shape, depth)
            case "list":
                return [
                    self._value(shape.member, depth + 1, name) for _ in range(max(data.get("min", 0), dice.choice([0, 1, 1, 2])))
                ]
            case "map":
                return {
                    self._value(shape.key, depth + 1): self._value(shape.value, depth + 1) for _ in range(dice.choice([0, 1, 2]))
                }
            case "integer" | "long" | "float" | "double":
                low, high = data.get("min", 0), data.get("max", 1000)
                return dice.choice([low, high, (low + high) // 2, low + 1])
            case "boolean":
                return dice.random() < 0.5
            case "timestamp":
                return dice.choice([0, 1_800_000_000, 4_000_000_000, -1, 1e18])
            case "blob":
                return dice.choice([b"", b"x", REPLY.encode("utf-8", "replace")])
            case _:
                return self._text(shape, name)

    def _text(self, shape: Any, name: str) -> str:
        data = shape.metadata
        if name in NAMED and self.dice.random() < 0.8:
            return self.dice.choice(NAMED[name])
        if shape.enum:
            return str(self.dice.choice(shape.enum))
        if self.known and self.dice.random() < 0.3:
            return self.dice.choice(self.known)
        options = fitting(data.get("pattern", ""), data.get("min", 0), data.get("max", 10**6))
        if options and self.dice.random() < 0.85:
            return self.dice.choice(options)
        return self.dice.choice(HARM)

    def _spoil(self, params: dict[str, Any]) -> None:
        """Replace one value anywhere, or add a member that nobody knows."""
        place: Any = params
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                if isinstance(place, dict):
                    place["Unknown"] = self.dice.choice(HARM)
                else:
                    place.append(self.dice.choice(STRANGE))
                return
            key = self.dice.choice(keys)
            if isinstance(place[key], dict | list) and self.dice.random() < 0.7:
                place = place[key]
                continue
            place[key] = self.dice.choice(HARM) if self.dice.random() < 0.6 else self.dice.choice(STRANGE)
            return
