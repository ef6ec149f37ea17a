"""What only AWS, or life, does to accounts: the operator does it here (`localorg accounts`, `localorg account`).

Flow: a control route -> one of `set_state`, `create` (outside the organization), `join` (without an invitation) -> the organization
engine tells everyone. Rules: one deed a call; what does not fit is refused with the next step.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localorg.kernel.errors import AwsError
from localorg.organization.records import STATES
from localorg.server.control import Refused
from localorg.server.engines import Engines
from localorg.server.seeding import email_of

DEEDS = ("set-state", "create", "join")


@dataclass(frozen=True)
class AccountDoor:
    """Answers to the operator's questions about accounts."""

    engines: Engines

    def answers(self) -> dict[str, Callable[[dict[str, str]], dict[str, Any]]]:
        """Return the control routes, by name."""
        return {"accounts": self.accounts, "account": self.account}

    def accounts(self, _query: dict[str, str]) -> dict[str, Any]:
        """Return every account, inside and outside the organization."""
        return {"accounts": self.engines.organization.roll()}

    def account(self, query: dict[str, str]) -> dict[str, Any]:
        """Do one thing to one account, or nothing, and return how it stands now."""
        account = query.get("account", "")
        deeds = [(name, query[name]) for name in DEEDS if name in query]
        if len(deeds) > 1:
            raise Refused(400, f"give one of {', '.join(f'--{name}' for name in DEEDS)}, found {len(deeds)}")
        if deeds:
            self._do(account, *deeds[0])
        found = next((row for row in self.engines.organization.roll() if row["id"] == account), None)
        if found is None:
            raise Refused(404, f"{account} is no account, inside or outside; `localorg accounts` lists them")
        return found

    def _do(self, account: str, deed: str, value: str) -> None:
        try:
            match deed:
                case "set-state":
                    self._set_state(account, value)
                case "create":
                    self._create(account, value)
                case _:
                    self.engines.organization.join(account, value)
        except AwsError as refusal:
            raise Refused(409, f"{refusal.code}: {refusal.message}") from refusal
        except ValueError as problem:
            raise Refused(409, str(problem)) from problem

    def _set_state(self, account: str, state: str) -> None:
        if state not in STATES:
            raise Refused(400, f"{state} is no state of an account; there are {', '.join(STATES)}")
        if self.engines.organization.is_management(account):
            raise Refused(409, f"{account} is the management account, which is always ACTIVE")
        self.engines.organization.set_account_state(account, state)

    def _create(self, account: str, name: str) -> None:
        if not re.fullmatch(r"[0-9]{12}", account):
            raise Refused(400, f"an account id is twelve digits, found {account!r}")
        self.engines.organization.add_outsider(account, name, email_of(name))
        self.engines.identity.bootstrap_account(account)
