"""How many entities of a kind an account may have.

Rules: the quotas of a new account; service-linked roles are made whatever there is.
Refuses to know: what an entity is.

AWS: IAM user guide, "IAM and AWS STS quotas".
"""

from collections.abc import Sized

from localorg.kernel.errors import AwsError

PER_ACCOUNT = {"Groups": 300, "InstanceProfiles": 1000, "Policies": 1500, "Roles": 1000, "Users": 5000}


def refuse_more(kind: str, there: Sized) -> None:
    """Raise LimitExceeded when the account has all that it may have."""
    if len(there) >= PER_ACCOUNT[kind]:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for {kind}PerAccount: {PER_ACCOUNT[kind]}", 409)
