"""What is wrong with a policy document: each problem in AWS's sentence, with the place and the detail that AWS leaves out.

Rules: all problems are told at once; the first sentence is the one that AWS would answer, which looks for them in this order.
"""

from localorg.kernel.errors import AwsError

SYNTAX = "Syntax errors in policy."
VERSION = "Policy document must be version 2012-10-17 or greater."
TWICE = "Statement IDs (SID) in a single policy must be unique."
NO_ACTIONS = "Policy statement must contain actions."
NO_RESOURCES = "Policy statement must contain resources."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
ONE_COLON = "Actions/Condition can contain only one colon."
ORDER = (SYNTAX, VERSION, TWICE, NO_ACTIONS, NO_RESOURCES)
# ASSUMED: of several problems AWS tells one; this order is the one in which it was seen to find them, all others come after.


class Findings:
    """The problems of one document."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, sentence: str, place: str = "", detail: str = "") -> None:
        """Note a problem."""
        where = ": ".join(text for text in (place, detail) if text)
        self._found.append((sentence, f"{sentence} ({where})" if where else sentence))

    def refuse(self) -> None:
        """Raise MalformedPolicyDocument when there are problems."""
        if self._found:
            rank = {sentence: number for number, sentence in enumerate(ORDER)}
            ordered = sorted(self._found, key=lambda found: rank.get(found[0], len(rank)))
            raise AwsError("MalformedPolicyDocument", "; ".join(told for _, told in ordered))
