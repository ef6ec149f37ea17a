"""A machine outside EC2 registers once, and shows the same key and the same fingerprint ever after."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from localorg.node.calls import CallRefusedError, NodeIdentity, Unreachable
from localorg.node.registration import Registration

NODE = "mi-0123456789abcdef0"
IDENTITY = NodeIdentity(NODE, "222222222222", "us-east-1", "http://127.0.0.1:4599", "")
TOKEN = {
    "AccessKeyId": "ASIA",
    "SecretAccessKey": "secret",
    "SessionToken": "token",
    "TokenExpirationDate": 1_800_003_600.0,
    "UpdateKeyPair": False,
}


class Server:
    """A control plane that gives each caller the same answers, and remembers what it was asked."""

    def __init__(self, instance_id: str = NODE) -> None:
        self.instance_id = instance_id
        self.asked: list[tuple[str, Mapping[str, str], dict[str, Any]]] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, dict[str, Any]]:
        lowered = {name.lower(): value for name, value in headers.items()}
        operation = lowered["x-amz-target"].rpartition(".")[2]
        self.asked.append((operation, lowered, json.loads(body or b"{}")))
        if self.refusal is not None:
            return self.refusal
        return 200, {"InstanceId": self.instance_id} if operation == "RegisterManagedInstance" else TOKEN


def registration(folder: Path) -> Registration:
    return Registration(IDENTITY, folder, "activation", "code")


def test_a_machine_registers_once(tmp_path: Path) -> None:
    """Observed: registration is anonymous and has the activation, a key and a fingerprint; tokens are signed with that key."""
    server = Server()
    keys, expires = registration(tmp_path).fetch(server.exchange)
    assert (keys.access_key, expires) == ("ASIA", 1_800_003_600.0)
    (register, headers, params), (token, signed, asked) = server.asked
    assert (register, token) == ("RegisterManagedInstance", "RequestManagedInstanceRoleToken")
    assert "authorization" not in headers
    assert (params["ActivationId"], params["ActivationCode"], params["PublicKeyType"]) == ("activation", "code", "Rsa")
    assert signed["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={NODE}/")
    assert asked == {"Fingerprint": params["Fingerprint"]}
    registration(tmp_path).fetch(server.exchange)
    assert [operation for operation, _, _ in server.asked] == [register, token, token]
    assert server.asked[-1][2] == asked
    assert json.loads((tmp_path / "registration").read_text()) == {"ManagedInstanceID": NODE, "Region": "us-east-1"}


def test_what_is_kept_is_for_the_machine_alone(tmp_path: Path) -> None:
    """The key can be read by its owner only."""
    registration(tmp_path).fetch(Server().exchange)
    assert (tmp_path / "registration.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("refusal", "expected", "words"),
    [
        ((400, {"__type": "InvalidActivation", "message": "no"}), CallRefusedError, "InvalidActivation: no"),
        ((500, {"__type": "InternalServerError"}), Unreachable, "answered RegisterManagedInstance with 500"),
    ],
)
def test_a_refused_machine_is_not_registered(
    tmp_path: Path, refusal: tuple[int, dict[str, Any]], expected: type[Exception], words: str
) -> None:
    """A refusal leaves the machine as it was, so that it can try again with the same key."""
    server = Server()
    server.refusal = refusal
    with pytest.raises(expected, match=words):
        registration(tmp_path).fetch(server.exchange)
    assert not (tmp_path / "registration").exists()
    server.refusal = None
    registration(tmp_path).fetch(server.exchange)
    assert server.asked[0][2]["PublicKey"] == server.asked[1][2]["PublicKey"]


def test_another_id_than_the_expected_one_is_an_error(tmp_path: Path) -> None:
    """The node host knows its nodes by their ids."""
    with pytest.raises(CallRefusedError, match="registered as mi-other, not as"):
        registration(tmp_path).fetch(Server("mi-other").exchange)
