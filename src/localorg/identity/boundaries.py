"""Permissions boundaries: the managed policy that a role or user cannot get beyond, whatever its own policies allow.

Flow: CreateRole, CreateUser (parameter), Put... and Delete...PermissionsBoundary -> `Holder.boundary`; authorise.py asks for it.
Rules: a boundary is a managed policy of the account or one of AWS's.
Refuses to know: how a boundary is weighed.

AWS: IAM user guide, "Permissions boundaries for IAM entities"; IAM API reference, PutRolePermissionsBoundary.
"""

from localorg.identity.directory import Directory, missing
from localorg.identity.records import Holder
from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Output


def checked_boundary(directory: Directory, account: str, arn: str) -> str:
    """Return the ARN to keep. Raises NoSuchEntity, InvalidInput, or NotSupported for one of AWS's that localorg does not carry."""
    directory.aws.refuse_missing(arn)
    policy = directory.find_policy(arn)
    if policy is None or not (policy.aws_owned or policy.account == account):
        raise missing(f"Scope ARN: {arn} does not exist or is not attachable.")
    if policy.path.startswith("/aws-service-role/"):
        # ASSUMED: the words; a policy of a service-linked role bounds nobody else.
        raise AwsError("PolicyNotAttachable", f"Scope ARN: {arn} does not exist or is not attachable.")
    return arn


def boundary_output(holder: Holder) -> Output:
    """Return the member PermissionsBoundary of a role or user, or nothing when there is none."""
    if not holder.boundary:
        return {}
    # AWS: API AttachedPermissionsBoundary: "can only have a value of Policy", whatever the enum of the model says.
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": holder.boundary}}
