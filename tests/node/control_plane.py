"""A small control plane for tests of the node: real HTTP on loopback, AWS's wire shapes, scripted documents and messages.

It checks the signature of each call with botocore, serves GetMessages as a long poll, keeps every reply, and can be made to fail.
"""

import hashlib
import json
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TERMINAL = {"Success", "Failed", "TimedOut", "Cancelled"}
WAIT_S = 30.0
"""How long a test waits for something that must happen; reached only when it fails."""
POLL_HOLD_S = 2.0


@dataclass
class Refusal(Exception):
    """The answer is HTTP 400 with this code."""

    code: str
    message: str = "refused"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Say nothing: nodes are killed in the middle of a call, on purpose."""


@dataclass
class ControlPlane:
    """What the server knows. Use as a context manager."""

    secret: str = "s3cret"
    registrations: list[dict[str, Any]] = field(default_factory=list)
    replies: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """message id -> payloads of SendReply, in order."""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)
    documents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    attachments: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    """/bucket/key -> what a node put there."""
    down: bool = False
    """Answer everything with 503."""
    access_key: str = "ASIAFIRST"

    def __post_init__(self) -> None:
        self.changed = threading.Condition()
        self.queues: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.polls: dict[str, str] = {}
        self.server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"plane": self}))
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "ControlPlane":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def wait_for(self, condition: Any, what: str) -> Any:
        """Return the first true value of `condition()`."""
        deadline = time.monotonic() + WAIT_S
        with self.changed:
            while not (value := condition()):
                if not self.changed.wait(deadline - time.monotonic()):
                    raise AssertionError(
                        f"{what} did not happen; calls: {[name for name, _ in self.calls]}; replies: {dict(self.replies)}"
                    )
            return value

    def deliver(self, instance_id: str, topic: str, payload: Any, message_id: str | None = None) -> str:
        """Put a message into a node's queue."""
        message_id = message_id or f"aws.ssm.{uuid.uuid4()}.{instance_id}"
        text = payload if isinstance(payload, str) else json.dumps(payload)
        message = {
            "MessageId": message_id,
            "Destination": instance_id,
            "CreatedDate": "2026-11-23T13:33:12.170Z",
            "Topic": topic,
            "Payload": text,
            "PayloadDigest": hashlib.sha256(text.encode()).hexdigest(),
        }
        with self.changed:
            self.queues[instance_id].append(message)
            self.changed.notify_all()
        return message_id

    def send(self, instance_id: str, content: dict[str, Any], parameters: dict[str, Any] | None = None, **more: str) -> str:
        """Send a command; returns the message id. `more` goes into the payload."""
        command_id = str(uuid.uuid4())
        payload = {"Parameters": parameters or {}, "DocumentContent": content, "CommandId": command_id, "DocumentName": "Test"}
        payload |= more
        return self.deliver(instance_id, "aws.ssm.sendCommand.eu-west-1", payload, f"aws.ssm.{command_id}.{instance_id}")

    def cancel(self, instance_id: str, message_id: str) -> str:
        """Send a cancel for `message_id`; returns the cancel's own id."""
        return self.deliver(instance_id, "aws.ssm.cancelCommand.eu-west-1", {"CancelMessageId": message_id})

    def outcome(self, message_id: str) -> "Outcome":
        """Wait for the terminal reply of a command."""

        def ended() -> Any:
            return next((reply for reply in self.replies[message_id] if reply["documentStatus"] in TERMINAL), None)

        reply = self.wait_for(ended, f"the end of {message_id}")
        steps: dict[str, Any] = {}
        for each in self.replies[message_id]:
            steps |= each["runtimeStatus"] or {}
        return Outcome(reply["documentStatus"], steps, reply["documentTraceOutput"])

    def shell(self, instance_id: str, *lines: str, **inputs: Any) -> "Outcome":
        """Run shell lines on a node and wait for the end."""
        return self.outcome(self.send(instance_id, shell_document(*lines, **inputs)))

    def publish(self, name: str, version: str, zips: dict[str, bytes], packages: dict[str, Any], **changes: Any) -> None:
        """Make a package document available, also as the default version."""
        files = {
            file: {"checksums": {"sha256": hashlib.sha256(data).hexdigest()}, "size": len(data)} for file, data in zips.items()
        }
        files |= changes.pop("files", {})
        manifest = {"schemaVersion": "2.0", "version": version, "packages": packages, "files": files}
        links = []
        for file, data in zips.items():
            path = f"/attach/{name}/{version}/{file}"
            self.attachments[path] = data
            links.append({"Name": file, "Url": f"{self.endpoint}{path}?signature=do-not-print"})
        number = str(len({key for key in self.documents if key[0] == name and key[1]}) + 1)
        document = {
            "Name": name,
            "DocumentVersion": number,
            "VersionName": version,
            "Status": "Active",
            "DocumentType": "Package",
            "Content": json.dumps(manifest),
            "AttachmentsContent": links,
            **changes,
        }
        self.documents[name, version] = self.documents[name, ""] = document

    def answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer one verified call."""
        match operation:
            case "GetMessages":
                return self._messages(parameters)
            case "DescribeDocument":
                document = self._document(parameters)
                return {"Document": {key: document[key] for key in ("Name", "DocumentVersion", "VersionName", "Status")}}
            case "GetDocument":
                return self._document(parameters)
            case "GetManifest":
                raise Refusal("ResourceNotFoundException")
        with self.changed:
            self.calls.append((operation, parameters))
            if operation == "UpdateInstanceInformation":
                self.registrations.append(parameters)
            if operation == "SendReply":
                self.replies[parameters["MessageId"]].append(json.loads(parameters["Payload"]))
            self.changed.notify_all()
        return {}

    def _document(self, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.changed:
            self.calls.append(("GetDocument", parameters))
        key = (parameters["Name"], parameters.get("VersionName", ""))
        if key not in self.documents:
            raise Refusal("InvalidDocument", f"Document with name {key[0]} does not exist.")
        return self.documents[key]

    def _messages(self, parameters: dict[str, Any]) -> dict[str, Any]:
        destination = parameters["Destination"]
        deadline = time.monotonic() + POLL_HOLD_S
        with self.changed:
            self.calls.append(("GetMessages", parameters))
            self.polls[destination] = parameters["MessagesRequestId"]
            self.changed.notify_all()
            while not self.queues[destination] and (rest := deadline - time.monotonic()) > 0 and not self.down:
                self.changed.wait(rest)
                if self.polls[destination] != parameters["MessagesRequestId"]:
                    return {"Messages": []}  # the node asks anew: who waited here was killed, and must not take the message
            messages, self.queues[destination] = self.queues[destination], []
        return {"Destination": destination, "MessagesRequestId": parameters["MessagesRequestId"], "Messages": messages}

    def polled(self, instance_id: str) -> bool:
        """Say whether a node has asked for messages."""
        return any(name == "GetMessages" and call["Destination"] == instance_id for name, call in self.calls)


@dataclass
class Outcome:
    """How a command ended, its steps merged from all replies."""

    status: str
    steps: dict[str, Any]
    trace: str

    @property
    def step(self) -> dict[str, Any]:
        """The only step."""
        (only,) = self.steps.values()
        return only

    @property
    def out(self) -> str:
        return self.step["standardOutput"]

    @property
    def err(self) -> str:
        return self.step["standardError"]


def shell_document(*lines: str, **inputs: Any) -> dict[str, Any]:
    """A document of one shell step."""
    step = {"action": "aws:runShellScript", "name": "shell", "inputs": {"runCommand": list(lines), **inputs}}
    return {"schemaVersion": "2.2", "mainSteps": [step]}


def package_document(name: str, action: str = "Install", **inputs: Any) -> dict[str, Any]:
    """A document of one package step."""
    step = {"action": "aws:configurePackage", "name": "configurePackage", "inputs": {"name": name, "action": action, **inputs}}
    return {"schemaVersion": "2.2", "mainSteps": [step]}


class _Handler(BaseHTTPRequestHandler):
    """One request; `plane` is set by the subclass that a ControlPlane makes for itself."""

    plane: ControlPlane
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Head and body leave together: else each answer waits for a delayed acknowledgement of TCP."""

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/_localorg/instance/"):
            self._credentials()
        elif path in self.plane.attachments and "signature=" in self.path:
            self.plane.downloads.append(path)
            self._send(200, self.plane.attachments[path])
        else:
            self._send(403, b"no")

    def _credentials(self) -> None:
        if self.plane.down:
            self._send(503, b"{}")
        elif self.headers["Authorization"] != f"Bearer {self.plane.secret}":
            self._send(403, b'{"message": "wrong secret"}')
        else:
            expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
            keys = {"AccessKeyId": self.plane.access_key, "SecretAccessKey": "key", "Token": "token"}
            self._send(200, json.dumps({"Code": "Success", **keys, "Expiration": expiration}).encode())

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert "/eu-west-1/s3/aws4_request" in self.headers["Authorization"]
        assert self.headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
        if self.path.startswith("/locked/"):
            self._send(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
            return
        self.plane.objects[self.path] = body
        self._send(200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.plane.down:
            self._send(503, b"{}")
            return
        try:
            self._verify(body)
            answer = self.plane.answer(self.headers["X-Amz-Target"].split(".")[1], json.loads(body))
            self._send(200, json.dumps(answer).encode())
        except Refusal as refusal:
            self._send(400, json.dumps({"__type": refusal.code, "message": refusal.message}).encode())

    def _verify(self, body: bytes) -> None:
        """Sign the request anew and compare."""
        claim = self.headers["Authorization"]
        scope = claim.split("Credential=")[1].split(",")[0].split("/")
        if scope[0] != self.plane.access_key:
            raise Refusal("UnrecognizedClientException", "the key is not known")
        service = {"AmazonSSM": "ssm", "EC2WindowsMessageDeliveryService": "ec2messages"}[
            self.headers["X-Amz-Target"].split(".")[0]
        ]
        assert scope[2:4] == ["eu-west-1", service]
        signed = claim.split("SignedHeaders=")[1].split(",")[0].split(";")
        again = AWSRequest("POST", self.plane.endpoint + "/", headers={name: self.headers[name] for name in signed}, data=body)
        again.context["timestamp"] = self.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(self.plane.access_key, "key", "token"), service, "eu-west-1")
        canonical = signer.canonical_request(again)
        signature = signer.signature(signer.string_to_sign(again, canonical), again)
        if signature != claim.split("Signature=")[1]:
            raise Refusal("InvalidSignatureException", "the signature does not match")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
