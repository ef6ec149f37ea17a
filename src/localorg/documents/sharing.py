"""Who may see which versions of a document of another account.

Rules: pure. A share is `$DEFAULT`, `$LATEST` or `$ALL` and follows the document: a new default is what $DEFAULT then shows.
AWS: API ModifyDocumentPermission; user guide, documents-ssm-sharing.
"""

from collections.abc import Iterable

from localorg.kernel.errors import AwsError

SHARES_MAX = 1000
"""AWS: API DocumentPermissionLimit, accounts of a privately shared document."""
PUBLIC_MAX = 5
"""AWS: same text, publicly shared documents of an account and Region."""
CALL_MAX = 20
"""AWS: same text and API AccountIdList."""


def visible(shares: dict[str, str], account: str, numbers: Iterable[int], default: int) -> set[int]:
    """Return the version numbers that `account` may read; an empty set when the document is not shared with it."""
    existing = set(numbers)
    seen: set[int] = set()
    for who in (account, "all"):
        match shares.get(who):
            case "$ALL":
                seen |= existing
            case "$LATEST":
                seen.add(max(existing))
            case "$DEFAULT":
                seen.add(default)
    return seen & existing


def changed(shares: dict[str, str], add: list[str], remove: list[str], versions: str) -> dict[str, str]:
    """Return `shares` after one ModifyDocumentPermission. Raises DocumentPermissionLimit."""
    if not add and not remove:
        raise AwsError("ValidationException", "Give AccountIdsToAdd or AccountIdsToRemove; both are empty.")
    for name, ids in (("AccountIdsToAdd", add), ("AccountIdsToRemove", remove)):
        if len(ids) > CALL_MAX:
            raise AwsError("DocumentPermissionLimit", f"{name} has {len(ids)} accounts; one call takes at most {CALL_MAX}.")
    result = {**shares, **dict.fromkeys(map(_normal, add), versions)}
    for account in map(_normal, remove):
        # AWS: AccountIdsToRemove, "This action has a higher priority than AccountIdsToAdd".
        result.pop(account, None)
    private = len(result) - ("all" in result)
    if private > SHARES_MAX:
        raise AwsError(
            "DocumentPermissionLimit",
            f"The document would be shared with {private} accounts; at most {SHARES_MAX} are possible. Remove some first.",
        )
    return result


def _normal(account: str) -> str:
    return "all" if account.lower() == "all" else account
