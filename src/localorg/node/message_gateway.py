"""The message gateway as a node finds it: a signed call for a token, then a signed websocket that begins with it.

Flow: CreateControlChannel (JSON there, 201 and XML back) -> GET of the same path as a websocket -> the first frame, a text with the token.
Rules: TLS only, and only the authority that the node's configuration brought is trusted. A refusal is `CallRefusedError` with AWS's code.
Refuses to know: what is said over the channel afterwards.
AWS agent: the same two steps.
"""

import http.client
import json
import re
import ssl
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest

from localorg.node import results
from localorg.node.calls import CALL_TIMEOUT_S, EXPIRED, CallRefusedError, NodeIdentity, Unreachable
from localorg.node.websocket import WebSocket

SERVICE = "ssmmessages"
SCHEMA = "1.0"
OPEN = "role=subscribe&stream=input"


@dataclass(frozen=True)
class GatewayAddress:
    """Where the message gateway listens (https://HOST:PORT), and the authority that vouches for it, as PEM text."""

    endpoint: str
    authority: str = field(repr=False)


@dataclass(frozen=True)
class MessageGateway:
    """The gateway, for one node. `sign` returns the headers of a signed request; `forget_session` lets a new session sign the next."""

    address: GatewayAddress
    identity: NodeIdentity
    sign: Callable[[str, AWSRequest], dict[str, str]]
    forget_session: Callable[[], None]

    def open(self) -> WebSocket:
        """Return a control channel that has told its token. Raises CallRefusedError, Unreachable."""
        trust = ssl.create_default_context(cadata=self.address.authority)
        url = f"{self.address.endpoint}/v1/control-channel/{self.identity.instance_id}"
        token = self._token(url, trust)
        request = AWSRequest("GET", f"{url}?{OPEN}")
        opened = WebSocket.open(request.url, trust, self.sign(SERVICE, request))
        hello = {
            "Cookie": None,
            "MessageSchemaVersion": SCHEMA,
            "RequestId": str(uuid.uuid4()),
            "TokenValue": token,
            "AgentVersion": results.AGENT_VERSION,
            "PlatformType": "linux",
        }
        opened.send_text(json.dumps(hello))
        return opened

    def _token(self, url: str, trust: ssl.SSLContext) -> str:
        body = json.dumps({"MessageSchemaVersion": SCHEMA, "RequestId": str(uuid.uuid4())}).encode()
        request = AWSRequest("POST", url, {"Content-Type": "application/json"}, body)
        status, said = _posted(url, trust, self.sign(SERVICE, request), body)
        if status == http.client.CREATED and (token := _element("TokenValue", said)):
            return token
        if status >= http.client.INTERNAL_SERVER_ERROR:
            raise Unreachable(f"the message gateway answered CreateControlChannel with {status}")
        found = re.match(r"(?:<\?.*?\?>)?\s*<(\w+)>", said)
        code = found[1] if found else str(status)
        if code in EXPIRED:
            self.forget_session()
        raise CallRefusedError(code, _element("Message", said))


def _posted(url: str, trust: ssl.SSLContext, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=CALL_TIMEOUT_S, context=trust)
    try:
        connection.request("POST", parts.path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"the message gateway does not answer: {error}") from error
    finally:
        connection.close()


def _element(name: str, xml: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    return found[1] if found else ""
