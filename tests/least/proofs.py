"""Which journey proves which grant, and under which readings of AWS. A grant without a proof fails the test."""

from dataclasses import dataclass

from least import journeys as j
from least.journeys import Journey

READINGS: dict[str, dict[str, str]] = {
    "plain": {},
    "asking": {
        "execution-role-taker": "service",
        "child-stopped-as": "execution-role",
        "folder-listing": "needs-list",
        "group-lookup": "query",
        "runbook-lookup": "strict-role",
        "start-automation-resources": "document",
        "unit-expansion": "children",
    },
    "definition": {"start-automation-resources": "definition"},
    "trusting": {},
}
"""The readings under which grants are proven: the defaults, those under which AWS asks for more, and the older way to start a run.

`trusting` are the defaults, for a stack that trusts a key and packages that are signed: `least.world` builds it so.
"""


@dataclass(frozen=True)
class Proof:
    """A journey that turns red, the readings under which it does, and how it tells when that is not with IAM's own sentence."""

    journey: Journey
    readings: str = "plain"
    tells: str = ""


HUB = "AdministrationRole-"
DOCUMENTS = HUB + "PublishAndShare-ssm:{}-*:AWS::AccountId:document/"
PACKAGE, RUNBOOK = DOCUMENTS + "PackageNames", DOCUMENTS + "CSD-DistributeSoftwarePackage"
MEMBER, HUB_READER, READER = "ExecutionRole-", "FleetReaderHubRole-", "FleetReaderRole-"
START = "ssm:StartAutomationExecution"
DEFINITION = "automation-definition/CSD-DistributeSoftwarePackage:*"
DOCUMENT = "document/CSD-DistributeSoftwarePackage"
SEND = MEMBER + "InstallByRunCommand-ssm:SendCommand-*:"

# The step tells it of each key in its own words, for one key that may not be used is no reason to fail if others suffice.
UNTRUSTED = (
    r"has 0 valid signatures .* arn:aws:kms:\S+: \S+:role/CSD-SystemsManager-AutomationAdministrationRole may not use it: "
    r"the role and the key's own policy must allow it kms:GetPublicKey and kms:Verify"
)

PROOFS: dict[str, Proof] = {
    HUB + "ActInMembers-sts:AssumeRole": Proof(j.ROLLOUT),
    HUB + "FindOrganization-organizations:DescribeOrganization": Proof(j.ROLLOUT),
    HUB + "FindAccounts-organizations:DescribeAccount": Proof(j.ROLLOUT),
    HUB + "FindAccountsOfUnits-organizations:ListAccountsForParent": Proof(j.UNITS),
    HUB + "FindAccountsOfUnits-organizations:ListChildren": Proof(j.UNITS, "asking"),
    HUB + "FindAccountsOfUnits-organizations:ListOrganizationalUnitsForParent": Proof(j.UNITS),
    HUB + "ReadPackageFolders-s3:ListBucket": Proof(j.NEW_PACKAGE, "asking"),
    HUB + "ReadPackageFiles-s3:GetObject-::PackagesBucket/*.json": Proof(j.ROLLOUT),
    HUB + "ReadPackageFiles-s3:GetObject-::PackagesBucket/*.zip": Proof(j.NEW_PACKAGE),
    HUB + "VerifySignatures-kms:GetPublicKey": Proof(j.ROLLOUT, "trusting", UNTRUSTED),
    HUB + "VerifySignatures-kms:Verify": Proof(j.ROLLOUT, "trusting", UNTRUSTED),
    HUB + "RememberFloors-ssm:GetParameterHistory": Proof(j.ROLLOUT, "trusting"),
    HUB + "RememberFloors-ssm:PutParameter": Proof(j.NEW_FLOOR, "trusting"),
    PACKAGE.format("CreateDocument"): Proof(j.NEW_PACKAGE),
    PACKAGE.format("DescribeDocumentPermission"): Proof(j.ROLLOUT),
    PACKAGE.format("GetDocument"): Proof(j.ROLLOUT),
    PACKAGE.format("ListDocumentVersions"): Proof(j.ROLLOUT),
    PACKAGE.format("ModifyDocumentPermission"): Proof(j.SHARE_PACKAGE),
    PACKAGE.format("UpdateDocument"): Proof(j.NEW_VERSION),
    PACKAGE.format("UpdateDocumentDefaultVersion"): Proof(j.OLDER_DEFAULT),
    RUNBOOK.format("CreateDocument"): Proof(j.NEW_REGION),
    RUNBOOK.format("DescribeDocumentPermission"): Proof(j.ROLLOUT),
    RUNBOOK.format("GetDocument"): Proof(j.TWO_REGIONS),
    RUNBOOK.format("ListDocumentVersions"): Proof(j.ROLLOUT),
    RUNBOOK.format("ModifyDocumentPermission"): Proof(j.SHARE_RUNBOOK),
    RUNBOOK.format("UpdateDocument"): Proof(j.STALE_RUNBOOK),
    RUNBOOK.format("UpdateDocumentDefaultVersion"): Proof(j.STALE_DEFAULT),
    HUB + "ReadDefaultVersions-ssm:DescribeDocument": Proof(j.ROLLOUT),
    f"{HUB}StartDistribution-{START}-*:AWS::AccountId:{DEFINITION}": Proof(j.ROLLOUT, "definition"),
    f"{HUB}StartDistribution-{START}-*:AWS::AccountId:{DOCUMENT}": Proof(j.ROLLOUT, "asking"),
    HUB + "FollowRuns-ssm:DescribeAutomationStepExecutions": Proof(j.MANY_PAIRS),
    HUB + "FollowRuns-ssm:GetAutomationExecution": Proof(j.ROLLOUT),
    HUB + "FollowRuns-" + START: Proof(j.ROLLOUT, "asking"),
    HUB + "FollowRuns-ssm:StopAutomationExecution": Proof(j.CANCELLED),
    HUB + "HandItselfToAutomation-iam:PassRole": Proof(j.ROLLOUT),
    HUB_READER + "ReadInMembers-sts:AssumeRole": Proof(j.STATUS),
    HUB_READER + "FindOrganization-organizations:DescribeOrganization": Proof(j.STATUS),
    HUB_READER + "FindAccounts-organizations:DescribeAccount": Proof(j.STATUS),
    HUB_READER + "FindAccountsOfUnits-organizations:ListAccountsForParent": Proof(j.STATUS_OF_UNIT),
    HUB_READER + "FindAccountsOfUnits-organizations:ListOrganizationalUnitsForParent": Proof(j.STATUS_OF_UNIT),
    HUB_READER + "FindAssociation-ssm:ListAssociations": Proof(j.STATUS),
    HUB_READER + "ReadWhatIsWanted-ssm:DescribeAssociation": Proof(j.STATUS),
    HUB_READER + "ReadDefaults-ssm:DescribeDocument": Proof(j.STATUS),
    f"{MEMBER}RunTheHubsRunbook-{START}-*:HubAccountId:{DEFINITION}": Proof(j.ROLLOUT, "definition"),
    f"{MEMBER}RunTheHubsRunbook-{START}-*:HubAccountId:{DOCUMENT}": Proof(j.ROLLOUT, "asking"),
    MEMBER + "ReadTheHubsRunbook-ssm:GetDocument": Proof(j.ROLLOUT, "asking"),
    MEMBER + "FollowRuns-ssm:GetAutomationExecution": Proof(j.FAILING),
    MEMBER + "FollowRuns-" + START: Proof(j.ROLLOUT, "asking"),
    MEMBER + "FollowRuns-ssm:StopAutomationExecution": Proof(j.CANCELLED, "asking"),
    SEND + ":document/AWS-ConfigureAWSPackage": Proof(j.ROLLOUT),
    # AWS: user guide, "Understanding command statuses": a node on which the sender may send nothing is AccessDenied, with no more words.
    SEND + "AWS::AccountId:instance/*": Proof(j.ROLLOUT, tells=r"1 failed, .*: i-\w+ AccessDenied"),
    SEND + "AWS::AccountId:managed-instance/*": Proof(j.HYBRID, tells=r"1 failed, .*: mi-\w+ AccessDenied"),
    MEMBER + "FollowCommands-ssm:CancelCommand": Proof(j.CANCELLED),
    MEMBER + "FollowCommands-ssm:GetCommandInvocation": Proof(j.FAILING),
    MEMBER + "FollowCommands-ssm:ListCommandInvocations": Proof(j.ROLLOUT),
    MEMBER + "FollowCommands-ssm:ListCommands": Proof(j.ROLLOUT),
    MEMBER + "FindNodes-ssm:DescribeInstanceInformation": Proof(j.NODE_BY_ID),
    MEMBER + "FindNodes-tag:GetResources": Proof(j.RESOURCE_GROUP),
    MEMBER + "FindNodesOfGroups-resource-groups:GetGroupQuery": Proof(j.RESOURCE_GROUP, "asking"),
    MEMBER + "FindNodesOfGroups-resource-groups:ListGroupResources": Proof(j.RESOURCE_GROUP),
    MEMBER + "HandItselfToAutomation-iam:PassRole": Proof(j.ROLLOUT),
    READER + "ReadNodes-ssm:DescribeInstanceInformation": Proof(j.STATUS),
    READER + "ReadNodes-ssm:DescribeInstanceProperties": Proof(j.MATRIX),
    READER + "ReadNodes-tag:GetResources": Proof(j.STATUS_OF_GROUP),
    READER + "ReadNodesOfGroups-resource-groups:ListGroupResources": Proof(j.STATUS_OF_GROUP),
    READER + "ReadWhatNodesSaid-ssm:GetCommandInvocation": Proof(j.STATUS_OF_FAILURE),
    READER + "ReadWhatNodesSaid-ssm:ListCommandInvocations": Proof(j.STATUS),
    READER + "ReadWhatNodesSaid-ssm:ListCommands": Proof(j.STATUS),
}
