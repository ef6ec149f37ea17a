"""An organization of five accounts in a tree of depth three, and a caller for its API."""

import json

import pytest
from support import AllowAll

from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.store import Store
from localorg.organization.records import AccountSeed, OrganizationSeed, UnitSeed
from localorg.organization.service import Organization
from localorg.protocol.calls import Access, ApiCall, Output, Principal
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate

HUB, ONE, TWO, DEEP, ASLEEP = "111111111111", "222222222222", "333333333333", "444444444444", "555555555555"
ROOT, UPPER, LOWER, OTHER = "r-abcd", "ou-abcd-11111111", "ou-abcd-22222222", "ou-abcd-33333333"
STACKSETS = "member.org.stacksets.cloudformation.amazonaws.com"


def account(account_id: str, name: str, parent: str, state: str = "ACTIVE") -> AccountSeed:
    return AccountSeed(account_id, name, f"{name}@example.com", parent, state)


SEED = OrganizationSeed(
    organization_id="o-localorg01",
    root_id=ROOT,
    management_account=HUB,
    units=(UnitSeed(UPPER, "upper", ROOT), UnitSeed(LOWER, "lower", UPPER), UnitSeed(OTHER, "other", ROOT)),
    accounts=(
        account(HUB, "hub", ROOT),
        account(ONE, "one", UPPER),
        account(TWO, "two", OTHER),
        account(DEEP, "deep", LOWER),
        account(ASLEEP, "asleep", UPPER, "SUSPENDED"),
    ),
    enabled_services=(STACKSETS, "ssm.amazonaws.com"),
)

OUT = "777777777777"
OUTSIDE = OrganizationSeed(**{**vars(SEED), "outsiders": (AccountSeed(OUT, "out", "out@example.com", ""),)})


def no_array(document: str, _kind: str) -> None:
    """Stand in for the evaluator's reader of documents."""
    if not isinstance(json.loads(document), dict):
        raise AwsError("MalformedPolicyDocument", "expected an object")


class ByResourcePolicy:
    """Allow everyone what is their own, and what is another's when its policy names account and action."""

    def __init__(self) -> None:
        self.asked: list[Access] = []

    def check(self, principal: Principal, _region: str, access: Access) -> None:
        self.asked.append(access)
        statements = (access.resource_policy or {}).get("Statement", [])
        named = [one for one in statements if principal.account in one["Principal"]["AWS"] and access.action in one["Action"]]
        if access.owner not in ("", principal.account) and not named:
            raise AccessDenied(f"{principal.account} may not {access.action}")


class World:
    """A kernel, a gateway that allows everyone, the engine, and a diary of published facts."""

    def __init__(
        self, seed: OrganizationSeed | None = SEED, store: Store | None = None, authoriser: ByResourcePolicy | None = None
    ) -> None:
        self.kernel = Kernel(store or Store(), VirtualClock())
        self.gateway = Gateway(self.kernel, authoriser or AllowAll(), validate)
        self.organization = Organization(self.kernel, self.gateway, no_array)
        self.gateway.add(self.organization.operations())
        self.facts: list[dict[str, str]] = []
        self.kernel.on("diary", self._note)
        self.kernel.subscribe("organization.changed", "diary")
        if seed:
            self.organization.seed(seed)
            self.kernel.step()
            self.facts.clear()

    def refused(self, operation: str, params: Output | None = None, account: str = HUB) -> AwsError:
        """Return the refusal of a call."""
        with pytest.raises(AwsError) as refusal:
            self.call(operation, params, account)
        return refusal.value

    def wait(self, seconds: float) -> None:
        self.kernel.run_until(self.kernel.now() + seconds)
        assert self.kernel.faults == []

    def _note(self, event: Event) -> None:
        self.facts.append(event.data)

    def call(self, operation: str, params: Output | None = None, account: str = HUB) -> Output:
        principal = Principal("user", account, f"arn:aws:iam::{account}:user/admin")
        return self.gateway.invoke(ApiCall(principal, "us-east-1", "organizations", operation, params or {}))
