"""A small organization for tests of documents: two accounts, a clock that tests drive, and an S3 of dictionaries."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from documents.model_shapes import strangers
from support import AllowAll

from localorg.documents.service import Documents
from localorg.kernel.blobs import Blobs
from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Event, Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.calls import Access, ApiCall, Principal
from localorg.protocol.gateway import Gateway
from localorg.protocol.tagging import Tagging
from localorg.protocol.validate import validate

HUB, MEMBER, STRANGER = "111111111111", "222222222222", "333333333333"
HOME, AWAY = "eu-west-1", "us-east-1"
RUNBOOK = json.dumps(
    {"schemaVersion": "0.3", "mainSteps": [{"name": "wait", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}]}
)
COMMAND = json.dumps(
    {
        "schemaVersion": "2.2",
        "parameters": {"greeting": {"type": "String", "default": "hello", "description": "What to say."}},
        "mainSteps": [{"name": "say", "action": "aws:runShellScript", "inputs": {"runCommand": ["echo {{ greeting }}"]}}],
    }
)


def principal(account: str) -> Principal:
    return Principal(kind="user", account=account, arn=f"arn:aws:iam::{account}:user/admin")


def manifest(version: str = "1.0", *files: str) -> str:
    names = files or ("tool_linux.zip",)
    return json.dumps(
        {
            "schemaVersion": "2.0",
            "version": version,
            "packages": {"debian": {"_any": {"x86_64": {"file": names[0]}}}},
            "files": {name: {"checksums": {"sha256": hashlib.sha256(name.encode()).hexdigest()}} for name in names},
        }
    )


class Buckets:
    """S3 as the gateway borrows it: objects by (bucket, key); `refused` accounts are denied; `held` answers wait."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.objects: dict[tuple[str, str], bytes] = {}
        self.asked: list[ApiCall] = []
        self.is_slow = False

    def serves(self, service: str) -> bool:
        return service == "s3"

    def access(self, call: ApiCall) -> Sequence[Access]:
        bucket = f"arn:aws:s3:::{call.params['Bucket']}"
        if call.operation == "ListObjectsV2":
            return [Access("s3:ListBucket", bucket)]
        return [Access("s3:GetObject", f"{bucket}/{call.params['Key']}")]

    def submit(self, call: ApiCall, reply: Event) -> None:
        self.asked.append(call)
        if self.is_slow:
            return
        outcome = self._listing(call) if call.operation == "ListObjectsV2" else self._object(call)
        self.kernel.post(Event(reply.engine, reply.name, {**reply.data, **outcome}))

    def _object(self, call: ApiCall) -> dict[str, Any]:
        body = self.objects.get((call.params["Bucket"], call.params["Key"]))
        if body is None:
            return {"ok": False, "error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."}}
        return {"ok": True, "output": {"Body": body}}

    def _listing(self, call: ApiCall) -> dict[str, Any]:
        """One level, as with Delimiter=/."""
        prefix = call.params["Prefix"]
        keys = [key for bucket, key in self.objects if bucket == call.params["Bucket"] and key.startswith(prefix)]
        return {"ok": True, "output": {"Contents": [{"Key": key} for key in keys if "/" not in key.removeprefix(prefix)]}}


class Harness:
    """Documents over a real kernel, gateway and validator. `store` and `blobs` outlive it, for restarts; `readings` are chosen."""

    def __init__(
        self,
        store: Store | None = None,
        blobs: Blobs | None = None,
        clock: VirtualClock | None = None,
        **readings: str,
    ) -> None:
        self.store, self.blobs, self.clock = store or Store(), blobs or Blobs(), clock or VirtualClock()
        chosen = {question.replace("_", "-"): reading for question, reading in readings.items()}
        self.kernel = Kernel(self.store, self.clock, Settings(regions=(HOME, AWAY), readings=chosen))
        self.buckets = Buckets(self.kernel)
        self.authoriser: Any = AllowAll()
        self.gateway = Gateway(self.kernel, self.authoriser, validate, self.buckets)
        self.runbook_problems: list[str] = []
        self.documents = Documents(
            self.kernel, self.gateway, self.blobs, lambda _runbook: self.runbook_problems, random_bytes=lambda size: b"k" * size
        )
        self.gateway.add(self.documents.operations())
        self.gateway.add(Tagging(self.documents.tagged()).operations())
        self.heard: list[dict[str, Any]] = []
        self.kernel.on("listener", lambda event: self.heard.append(event.data))
        self.kernel.subscribe("document.changed", "listener")

    def call(self, operation: str, account: str = HUB, region: str = HOME, **params: Any) -> dict[str, Any]:
        answer = self.gateway.invoke(ApiCall(principal(account), region, "ssm", operation, params))
        assert strangers(operation, answer) == []
        return answer

    def wait(self, seconds: float = 5.0) -> None:
        self.kernel.run_until(self.kernel.now() + seconds)
        assert self.kernel.faults == []

    def create(self, name: str = "Greet", content: str = COMMAND, kind: str = "Command", **params: Any) -> dict[str, Any]:
        answer = self.call("CreateDocument", Name=name, Content=content, DocumentType=kind, **params)
        description: dict[str, Any] = answer["DocumentDescription"]
        return description

    def publish(self, name: str = "tool", version: str = "1.0", **params: Any) -> dict[str, Any]:
        """Create a package from s3://shelf/tool, whose file is there."""
        self.buckets.objects["shelf", f"tool/{version}/tool_linux.zip"] = b"zip " + version.encode()
        source = [{"Key": "SourceUrl", "Values": [f"s3://shelf/tool/{version}"]}]
        return self.create(name, manifest(version), "Package", VersionName=version, Attachments=source, **params)

    def update(self, name: str, content: str, **params: Any) -> dict[str, Any]:
        answer = self.call("UpdateDocument", Name=name, Content=content, DocumentVersion="$LATEST", **params)
        description: dict[str, Any] = answer["DocumentDescription"]
        return description

    def share(self, name: str, account: str = MEMBER, versions: str | None = None) -> None:
        extra = {"SharedDocumentVersion": versions} if versions else {}
        self.call("ModifyDocumentPermission", Name=name, PermissionType="Share", AccountIdsToAdd=[account], **extra)

    def arn(self, name: str, account: str = HUB, region: str = HOME) -> str:
        return f"arn:aws:ssm:{region}:{account}:document/{name}"
