"""Which names a document may bear. # AWS: API CreateDocumentRequest.Name, "You can't use the following strings as document name
prefixes". Capital letters: # ASSUMED: compared without regard to case, since AWS's own names are AWS-... and Amazon...
"""

from localorg.kernel.errors import AwsError

RESERVED = ("aws", "amazon", "amzn", "AWSEC2", "AWSConfigRemediation", "AWSSupport")


def check_name(name: str) -> None:
    """Raise ValidationException when `name` begins as AWS's own do."""
    taken = [prefix for prefix in RESERVED if name.lower().startswith(prefix.lower())]
    if taken:
        raise AwsError(
            "ValidationException",
            f"The document name {name} begins with {taken[0]}, which is reserved for AWS. Reserved are {', '.join(RESERVED)}.",
        )
