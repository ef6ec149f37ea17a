"""Control routes: each needs its own proof, and wrong ones learn nothing."""

import pytest

from localorg.server.control import ControlRoutes, Refused


def credentials(instance_id: str, secret: str) -> dict[str, object]:
    if (instance_id, secret) != ("i-1", "node-secret"):
        raise Refused(403, "the secret is not this node's")
    return {"AccessKeyId": "ASIA"}


@pytest.fixture
def routes() -> ControlRoutes:
    made = ControlRoutes("operator-token")
    made.operator("status", lambda query: {"asked": query})
    made.node_credentials(credentials)
    return made


@pytest.mark.parametrize(
    ("path", "proof", "answer"),
    [
        ("/_localorg/status", "Bearer operator-token", (200, {"asked": {"a": "b"}})),
        ("/_localorg/status", "Bearer wrong", (403, {"message": "the control token is missing or wrong"})),
        ("/_localorg/status", "", (403, {"message": "the control token is missing or wrong"})),
        ("/_localorg/nothing", "Bearer operator-token", (404, {"message": "there is no control route /_localorg/nothing"})),
        ("/_localorg/instance/i-1/credentials", "Bearer node-secret", (200, {"AccessKeyId": "ASIA"})),
        ("/_localorg/instance/i-2/credentials", "Bearer node-secret", (403, {"message": "the secret is not this node's"})),
        ("/_localorg/instance/i-1/credentials", "Bearer operator-token", (403, {"message": "the secret is not this node's"})),
    ],
)
def test_every_route_has_its_proof(routes: ControlRoutes, path: str, proof: str, answer: tuple[int, object]) -> None:
    """The operator's token opens the operator's routes, a node's secret only that node's credentials."""
    assert routes.handle(path, {"a": "b"}, proof) == answer
