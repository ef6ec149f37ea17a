"""Parameter Store over a real kernel, gateway and validator, in virtual time."""

from typing import Any

from documents.model_shapes import strangers
from support import AllowAll

from localorg.kernel.clock import VirtualClock
from localorg.kernel.events import Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.parameters.service import Parameters
from localorg.protocol.calls import ApiCall, Principal
from localorg.protocol.gateway import Gateway
from localorg.protocol.tagging import Tagging
from localorg.protocol.validate import validate

HUB, MEMBER = "111111111111", "222222222222"
HOME, AWAY = "eu-west-1", "us-east-1"


class Harness:
    """One engine. `store` outlives it, for restarts."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()
        self.kernel = Kernel(self.store, VirtualClock(), Settings(regions=(HOME, AWAY)))
        self.authoriser: Any = AllowAll()
        self.gateway = Gateway(self.kernel, self.authoriser, validate)
        parameters = Parameters(self.kernel)
        self.gateway.add(parameters.operations())
        self.gateway.add(Tagging(parameters.tagged()).operations())
        self.heard: list[dict[str, Any]] = []
        self.kernel.on("listener", lambda event: self.heard.append(event.data))
        self.kernel.subscribe("parameter.changed", "listener")

    def call(self, operation: str, account: str = HUB, region: str = HOME, **params: Any) -> dict[str, Any]:
        caller = Principal(kind="user", account=account, arn=f"arn:aws:iam::{account}:user/admin")
        answer = self.gateway.invoke(ApiCall(caller, region, "ssm", operation, params))
        assert strangers(operation, answer) == []
        return answer

    def put(self, name: str, value: str = "x", **params: Any) -> int:
        params.setdefault("Type", "String")
        version: int = self.call("PutParameter", Name=name, Value=value, **params)["Version"]
        return version

    def value(self, name: str, **params: Any) -> str:
        value: str = self.call("GetParameter", Name=name, **params)["Parameter"]["Value"]
        return value
