"""Which condition keys AWS has, and which of them can be filled truthfully here.

Rules: a key of the global kind (aws:...) or of the service that is called is either filled, or truthfully absent, or refused by name
when a decision depends on it. A key of another service is absent, as it is on AWS.
Refuses to know: the values (facts.py).

AWS: IAM user guide, "AWS global condition context keys"; Service Authorization Reference, condition keys of each service.
"""

from localorg.protocol.member_keys import MEMBER_KEYS

TAG_KEYS = (
    "aws:PrincipalTag",
    "aws:RequestTag",
    "aws:ResourceTag",
    "ec2:ResourceTag",
    "iam:ResourceTag",
    "ssm:resourceTag",
    "s3:RequestObjectTag",
)
"""Keys that go on with a slash and the key of a tag, such as ssm:resourceTag/Stage."""

GLOBAL_KEYS = (
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:username",
    "aws:ViaAWSService",
    "aws:VpcSourceIp",
)
SERVICE_KEYS = (
    "iam:AWSServiceName",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "iam:PolicyARN",
    "kms:BypassPolicyLockoutSafetyCheck",
    "kms:CallerAccount",
    "kms:KeyOrigin",
    "kms:KeySpec",
    "kms:KeyUsage",
    "kms:MessageType",
    "kms:MultiRegion",
    "kms:RequestAlias",
    "kms:ResourceAliases",
    "kms:SigningAlgorithm",
    "organizations:PolicyType",
    "organizations:ServicePrincipal",
    "s3:ResourceAccount",
    "sts:ExternalId",
    "sts:RoleSessionName",
    *MEMBER_KEYS,
)
"""Keys that the access rules of the engines give, and those that are members of a request."""
SUPPORTED_KEYS: dict[str, str] = {key.lower(): key for key in (*GLOBAL_KEYS, *SERVICE_KEYS)}
"""Keys by lower-case name. Each of them is filled truthfully or is truthfully absent."""


def refused_for(key: str, action: str) -> bool:
    """Say whether `key` (lower case) may have a value on AWS in a call of `action`, and none can be told here."""
    if key.partition("/")[0] in _TAGS or key in SUPPORTED_KEYS:
        return False
    vendor = key.partition(":")[0]
    return vendor in {"aws", action.partition(":")[0].lower()}


_TAGS = frozenset(key.lower() for key in TAG_KEYS)
