"""What Compliance needs of the rest of Systems Manager, as types."""

from collections.abc import Callable

AssociationFacts = Callable[[str, str, str], tuple[str, str] | None]
"""(account, region, association id) -> (SyncCompliance, ComplianceSeverity), or None when there is no such association."""
IsManaged = Callable[[str, str, str], bool]
"""(account, region, id) -> whether that is a managed node of the account and Region."""
