"""In one Region: share runbook and package with exactly the target accounts; then make the package version the default."""

from typing import Any

import boto3

BATCH = 20  # AWS: ModifyDocumentPermission takes 20 account ids a call


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Idempotent."""
    ssm = client("ssm", region_name=events["region"])
    accounts = {a for a in events["accounts"].split(",") if a}
    changed = [_share(ssm, events["runbook"], accounts, "$DEFAULT")]
    # Only added to: other packages may go to other accounts by the same runbook, which holds nothing of theirs.
    if events["action"] == "Install":
        # $ALL: members must reach this version before it is the default, and an older one when going back.
        changed.append(_share(ssm, events["name"], accounts, "$ALL"))
        changed.append(_unshare(ssm, events["name"], accounts))
        _make_default(ssm, events["name"], events["version"])
    return {"shared": "; ".join(changed)}


def _share(ssm: Any, name: str, accounts: set[str], versions: str) -> str:
    held = _permissions(ssm, name)
    add = sorted(a for a in accounts if held.get(a) != versions)
    for batch in _batches(add):
        ssm.modify_document_permission(Name=name, PermissionType="Share", AccountIdsToAdd=batch, SharedDocumentVersion=versions)
    return f"{name}: {len(add)} of {len(accounts)} accounts added"


def _unshare(ssm: Any, name: str, accounts: set[str]) -> str:
    remove = sorted(set(_permissions(ssm, name)) - accounts)
    for batch in _batches(remove):
        ssm.modify_document_permission(Name=name, PermissionType="Share", AccountIdsToRemove=batch)
    return f"{len(remove)} removed that are targets no more"


def _permissions(ssm: Any, name: str) -> dict[str, str]:
    """{account id or 'all': which versions it may see}"""
    held: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        page = ssm.describe_document_permission(Name=name, PermissionType="Share", **token)
        held.update(dict.fromkeys(page.get("AccountIds", []), ""))
        held.update((i["AccountId"], i.get("SharedDocumentVersion", "")) for i in page.get("AccountSharingInfoList", []))
        if not page.get("NextToken"):
            return held
        token = {"NextToken": page["NextToken"]}


def _batches(ids: list[str]) -> list[list[str]]:
    return [ids[i : i + BATCH] for i in range(0, len(ids), BATCH)]


def _make_default(ssm: Any, name: str, version: str) -> None:
    document = ssm.describe_document(Name=name, VersionName=version)["Document"]
    if document["Status"] != "Active":
        raise RuntimeError(f"{name} {version} is still {document['Status']}: it stays off until it is Active; run again later")
    if document["DefaultVersion"] != document["DocumentVersion"]:
        ssm.update_document_default_version(Name=name, DocumentVersion=document["DocumentVersion"])
