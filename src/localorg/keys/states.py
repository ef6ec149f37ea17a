"""What the state of a key allows: AWS's table of key states, as far as it speaks of the operations here.

AWS: KMS developer guide, "Key states of AWS KMS keys", the table and its notes; the sentences are those of the notes.
"""

from localorg.kernel.errors import AwsError
from localorg.keys.records import KeyRecord

ALWAYS = frozenset(
    {"DescribeKey", "GetKeyPolicy", "ListKeyPolicies", "PutKeyPolicy", "ListAliases", "ListResourceTags", "DeleteAlias"}
)
"""Operations that any state allows."""
ENABLED_ONLY = frozenset({"GetPublicKey", "Sign", "Verify"})


def check(key: KeyRecord, arn: str, operation: str) -> None:
    """Raise DisabledException or KMSInvalidStateException unless the key's state allows the operation."""
    if operation == "CancelKeyDeletion":
        if key.state != "PendingDeletion":
            raise AwsError("KMSInvalidStateException", f"{arn} is not pending deletion.")
    elif operation in ALWAYS:
        return
    elif key.state == "PendingDeletion":
        raise AwsError("KMSInvalidStateException", f"{arn} is pending deletion.")
    elif key.state == "Disabled" and operation in ENABLED_ONLY:
        raise AwsError("DisabledException", f"{arn} is disabled.")
