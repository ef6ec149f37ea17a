"""Control routes under /_localorg: what `localorg nodes|env|status` ask a running server. Not part of AWS.

Proofs: `Authorization: Bearer <token of the state directory>` for the operator, `Bearer <node secret>` for a node that fetches its
credentials (the stand-in of the instance metadata service).
"""

import hmac
import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from localorg.server.state import LocalorgError, StateDirectory

PREFIX = "/_localorg/"
Answer = tuple[int, dict[str, Any]]
"""HTTP status and JSON body."""


class Refused(Exception):
    """A control request that is answered with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class ControlRoutes:
    """Routes by name; each gets (rest of the path, query) and returns JSON, or raises Refused."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._operator: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {}
        self._node: Callable[[str, str], dict[str, Any]] | None = None

    def operator(self, name: str, answer: Callable[[dict[str, str]], dict[str, Any]]) -> None:
        """Offer `GET /_localorg/<name>` to the holder of the token."""
        self._operator[name] = answer

    def node_credentials(self, answer: Callable[[str, str], dict[str, Any]]) -> None:
        """Offer `GET /_localorg/instance/<id>/credentials`; `answer(instance_id, secret)` checks the secret."""
        self._node = answer

    def handle(self, path: str, query: dict[str, str], authorization: str) -> Answer:
        """Answer one request."""
        secret = authorization.removeprefix("Bearer ").strip()
        steps = path.removeprefix(PREFIX).split("/")
        try:
            if len(steps) == 3 and steps[0] == "instance" and steps[2] == "credentials" and self._node:
                return 200, self._node(steps[1], secret)
            if not self._token or not hmac.compare_digest(secret.encode(), self._token.encode()):
                raise Refused(403, "the control token is missing or wrong")
            answer = self._operator.get(steps[0])
            if answer is None:
                raise Refused(404, f"there is no control route {path}")
            return 200, answer(query)
        except Refused as refusal:
            return refusal.status, {"message": refusal.message}


def ask(state: StateDirectory, name: str, query: dict[str, str] | None = None) -> dict[str, Any]:
    """Ask the running server of `state`; the client side of the routes. Raises LocalorgError."""
    facts = state.running()
    connection = http.client.HTTPConnection("127.0.0.1", facts.port, timeout=30)
    try:
        path = f"{PREFIX}{name}?{urlencode(query or {})}"
        connection.request("GET", path, headers={"Authorization": f"Bearer {state.token()}"})
        response = connection.getresponse()
        body: dict[str, Any] = json.loads(response.read())
    except (OSError, ValueError) as error:
        raise LocalorgError(f"the server at {facts.endpoint} does not answer ({error}). See {state.server_log}.") from error
    finally:
        connection.close()
    if response.status != 200:
        raise LocalorgError(str(body.get("message", f"the server answered {response.status}")))
    return body
