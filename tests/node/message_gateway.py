"""A small message gateway for tests of the node: TLS on loopback, a token for a signed call, a websocket that the test speaks through."""

import json
import ssl
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, Pong, Request, TextMessage

from localorg.node.agent_message import AgentMessage, unpacked
from localorg.server import tls

TOKEN = "a token"
WAIT_S = 30.0
"""How long a test waits for something that must happen; reached only when it fails."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: channels are broken on purpose."""


class Gateway:
    """What the gateway was told, and how it behaves. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        certificates = tls.prepare(folder)
        self.authority = certificates.authority
        self.refusal: str = ""
        """Not empty: what CreateControlChannel is refused with."""
        self.acknowledges = True
        self.hellos: list[dict[str, Any]] = []
        self.frames: list[tuple[str, str, dict[str, Any]]] = []
        """(kind, message id, content) of every frame of the node."""
        self.pings = self.pongs = self.refused = self.closed = 0
        self.changed = threading.Condition()
        self.lines: list[_Line] = []
        self.server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"gateway": self}))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.server, certificates.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.endpoint = f"https://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "Gateway":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def as_config(self) -> dict[str, str]:
        """Return what the node host's configuration has of it."""
        return {"endpoint": self.endpoint, "authority": str(self.authority)}

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Return the first true value of `condition()`."""
        deadline = time.monotonic() + WAIT_S
        with self.changed:
            while not (value := condition()):
                if not self.changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"{what} did not happen; frames: {self.frames}")
            return value

    def note(self, change: Callable[[], Any]) -> None:
        """Change something that tests wait for."""
        with self.changed:
            change()
            self.changed.notify_all()

    def line(self) -> "_Line":
        """Wait for an open channel and return it."""
        line: _Line = self.wait_for(lambda: self.lines and self.lines[-1], "a channel")
        return line

    def job(self, job_id: str, payload: Any, topic: str = "aws.ssm.sendCommand.eu-west-1") -> str:
        """Send a job over the open channel; returns the frame's id."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        return self.send("agent_job", {"SchemaVersion": 1, "JobId": job_id, "Topic": topic, "Content": text})

    def send(self, kind: str, content: Any) -> str:
        """Send a frame; returns its id."""
        identity = str(uuid.uuid4())
        self.line().send(
            BytesMessage(data=AgentMessage(kind, identity, 1_700_000_000_123, json.dumps(content).encode()).packed())
        )
        return identity

    def acknowledgement(self, frame_id: str) -> tuple[str, str]:
        """Wait for the agent_job_ack of a frame; returns status code and words."""

        def find() -> Any:
            acks = [content for kind, _, content in self.frames if kind == "agent_job_ack"]
            return next((ack for ack in acks if ack["acknowledgedMessageId"] == frame_id), None)

        found = self.wait_for(find, "the acknowledgement")
        assert found["createdDate"] == "2023-11-14T22:13:20.123Z"
        return found["statusCode"], found["errorMessage"]

    def replies(self, job_id: str) -> list[dict[str, Any]]:
        """Return the replies to a job so far."""
        contents = [content for kind, _, content in self.frames if kind == "agent_job_reply"]
        return [json.loads(content["content"]) for content in contents if content["jobId"] == job_id]

    def statuses(self, job_id: str, last: str) -> list[str]:
        """Wait for a reply with the status `last` and return all of them, in order."""

        def heard() -> list[str]:
            statuses = [reply["documentStatus"] for reply in self.replies(job_id)]
            return statuses if last in statuses else []

        found: list[str] = self.wait_for(heard, f"{last} of {job_id}")
        return found


class _Line:
    """The server's end of one websocket."""

    def __init__(self, gateway: Gateway, connection: Any) -> None:
        self.gateway = gateway
        self.connection = connection
        self.protocol = WSConnection(ConnectionType.SERVER)
        self.guard = threading.Lock()

    def send(self, event: Event) -> None:
        """Send something."""
        with self.guard:
            self.connection.sendall(self.protocol.send(event))

    def drop(self) -> None:
        """Break the connection without a word."""
        self.connection.shutdown(2)

    def serve(self, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Serve until the node goes."""
        self.protocol.initiate_upgrade_connection(headers, path)
        try:
            while True:
                for event in self.protocol.events():
                    self._happened(event)
                data = self.connection.recv(65536)
                if not data:
                    return
                self.protocol.receive_data(data)
        except OSError:
            return
        finally:
            self.gateway.note(self._gone)

    def _gone(self) -> None:
        self.gateway.closed += 1
        if self in self.gateway.lines:
            self.gateway.lines.remove(self)

    def _happened(self, event: Event) -> None:
        gateway = self.gateway
        match event:
            case Request():
                self.send(AcceptConnection())
            case TextMessage():
                hello = json.loads(event.data)
                gateway.note(lambda: (gateway.hellos.append(hello), gateway.lines.append(self)))
            case BytesMessage():
                assert event.message_finished
                self._frame(unpacked(bytes(event.data)))
            case Ping():
                self.send(event.response())
                gateway.note(lambda: setattr(gateway, "pings", gateway.pings + 1))
            case Pong():
                gateway.note(lambda: setattr(gateway, "pongs", gateway.pongs + 1))
            case CloseConnection():
                self.send(event.response())

    def _frame(self, frame: AgentMessage) -> None:
        content = json.loads(frame.payload)
        if frame.kind == "agent_job_reply" and self.gateway.acknowledges:
            ack = {"jobId": content["jobId"], "acknowledgedMessageId": frame.message_id}
            self.send(
                BytesMessage(data=AgentMessage("agent_job_reply_ack", str(uuid.uuid4()), 1, json.dumps(ack).encode()).packed())
            )
        self.gateway.note(lambda: self.gateway.frames.append((frame.kind, frame.message_id, content)))


class _Handler(BaseHTTPRequestHandler):
    """One request; `gateway` is set by the subclass that a Gateway makes for itself."""

    gateway: Gateway
    protocol_version = "HTTP/1.1"
    rbufsize = 0
    """What follows the upgrade must not be read before it."""

    def log_message(self, *_: object) -> None:
        return

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body["MessageSchemaVersion"] == "1.0"
        assert "/eu-west-1/ssmmessages/aws4_request" in self.headers["Authorization"]
        if self.gateway.refusal:
            self.gateway.note(lambda: setattr(self.gateway, "refused", self.gateway.refused + 1))
            self._send(400, f"<{self.gateway.refusal}><Message>not now</Message></{self.gateway.refusal}>")
            return
        inside = f"<MessageSchemaVersion>1.0</MessageSchemaVersion><TokenValue>{TOKEN}</TokenValue>"
        self._send(201, f"<CreateControlChannelResponse>{inside}</CreateControlChannelResponse>")

    def do_GET(self) -> None:
        assert self.path.endswith("?role=subscribe&stream=input")
        assert "/eu-west-1/ssmmessages/aws4_request" in self.headers["Authorization"]
        self.close_connection = True
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        _Line(self.gateway, self.connection).serve(self.path, headers)

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
