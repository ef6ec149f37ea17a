"""The document of an association, read as Systems Manager itself reads it inside the account.

Rules: Automation runbooks and Command documents; sharing is decided by the documents engine for the association's account.
Refuses to know: what the document does.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AwsError, NotSupported
from localorg.protocol.calls import ApiCall, Principal
from localorg.protocol.gateway import Gateway

REFERENCE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
AWS_OWNED = re.compile(r"AWS[A-Za-z0-9]*-.*")


KINDS = ("Automation", "Command")


@dataclass(frozen=True)
class Document:
    """A document as it is now: `number` is the version that the asked one means, `assume_role` the text of a runbook's assumeRole."""

    kind: str
    number: str
    status: str
    parameters: dict[str, dict[str, Any]]
    schema: str = ""
    assume_role: str = ""
    content: str = ""

    @property
    def steps(self) -> dict[str, Any]:
        """The content without its parameters."""
        return {name: part for name, part in json.loads(self.content or "{}").items() if name != "parameters"}

    def role(self, given: dict[str, list[str]]) -> str:
        """Return the role that runs would assume with these parameters; empty for none."""
        reference = REFERENCE.fullmatch(self.assume_role.strip())
        if not reference:
            return self.assume_role
        default = self.parameters.get(reference[1], {}).get("default", "")
        return next(iter(given.get(reference[1]) or []), str(default))


class Documents:
    """Reads documents for an account."""

    def __init__(self, gateway: Gateway, partition: str) -> None:
        self._gateway = gateway
        self._partition = partition

    def arn(self, account: str, region: str, name: str) -> str:
        """Return the ARN that a policy must allow."""
        if name.startswith("arn:"):
            return name
        # AWS: Service Authorization Reference; documents of AWS have no account in their ARN.
        owner = "" if AWS_OWNED.fullmatch(name) else account
        return str(Arn(self._partition, "ssm", region, owner, f"document/{name}"))

    def effective_version(self, account: str, name: str, version: str) -> str:
        """Return the version that really runs.

        AWS: API CreateAssociation.DocumentVersion, "always runs the default version of a document if shared from another account".
        """
        arn = parse_arn(name)
        return "$DEFAULT" if arn is not None and arn.account not in ("", account) else version

    def read(self, account: str, region: str, name: str, version: str) -> Document:
        """Return the document. Raises InvalidDocument, InvalidDocumentVersion, NotSupported for other types.

        AWS: CreateAssociation has no dependent action ssm:GetDocument, so the reader is the service in the account.
        """
        asked = {"Name": name, "DocumentVersion": self.effective_version(account, name, version)}
        found = self._get(account, region, {**asked, "DocumentFormat": "JSON"})
        kind = found["DocumentType"]
        if kind == "Policy":
            # DEVIATES: AWS's State Manager also runs documents of type Policy; here such an association is refused by name.
            raise NotSupported(f"associations of Policy documents ({name})", "State Manager")
        if kind not in KINDS:
            raise AwsError("InvalidDocument", f"State Manager runs Command and Automation documents; {name} is of type {kind}.")
        content = json.loads(found["Content"])
        return Document(
            kind=kind,
            number=found["DocumentVersion"],
            status=found["Status"],
            parameters=content.get("parameters") or {},
            schema=str(content.get("schemaVersion", "")),
            assume_role=content.get("assumeRole") or "",
            content=found["Content"],
        )

    def _get(self, account: str, region: str, params: dict[str, Any]) -> dict[str, Any]:
        reader = Principal("root", account, arn="ssm.amazonaws.com")
        return self._gateway.invoke(ApiCall(reader, region, "ssm", "GetDocument", params))


def names_document(association_name: str, account: str, owner: str, name: str) -> bool:
    """Say whether an association of `account` to `association_name` means the document `name` of `owner`."""
    arn = parse_arn(association_name)
    if arn is None:
        return account == owner and association_name == name
    return arn.account == owner and arn.resource == f"document/{name}"
