"""Activations: the right to register hybrid nodes, made by people and used by agents.

Flow: CreateActivation -> row with a code that is shown once -> RegisterManagedInstance (`redeemed`) counts a registration.
Rules: the role must be there and let Systems Manager take it; an activation that has expired or is used up stays listed.
Refuses to know: keys and sessions of nodes (`hybrid`).
AWS: API CreateActivation, DescribeActivations, DeleteActivation.
"""

import hmac
from collections.abc import Callable
from typing import Any

from localorg.fleet.ports import NodeRoles, SecretSource
from localorg.fleet.records import Activation
from localorg.kernel import ids
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Kernel
from localorg.kernel.paging import page
from localorg.protocol.calls import Access, Operation, Output, Request

LIFE_DEFAULT_S = 24 * 3600.0
LIFE_MAX_S = 30 * 24 * 3600.0
"""AWS: API CreateActivation, ExpirationDate: up to 30 days in advance; 24 hours when left out."""
CODE_CHARACTERS = 20
PAGE_DEFAULT = 50
"""ASSUMED: DescribeActivations gives the most that MaxResults allows when nothing is said."""
TAGS_MAX = 50
PASSED_TO = "ssm.amazonaws.com"
FILTERS: dict[str, Callable[[Activation], str]] = {
    "ActivationIds": lambda row: row.activation_id,
    "DefaultInstanceName": lambda row: row.default_name,
    "IamRole": lambda row: row.role,
}


class Activations:
    """The activations of all accounts and Regions."""

    def __init__(self, kernel: Kernel, roles: NodeRoles, secret: SecretSource) -> None:
        self._kernel = kernel
        self._roles = roles
        self._secret = secret
        self._rows = kernel.store.table("fleet.activation", Activation)

    def operations(self) -> list[Operation]:
        """Return the operations on activations."""
        return [
            Operation("ssm", "CreateActivation", self._create, self._creation_access),
            Operation("ssm", "DescribeActivations", self._describe),
            Operation("ssm", "DeleteActivation", self._delete),
        ]

    def make(self, account: str, region: str, role: str, **more: Any) -> Activation:
        """Make an activation that lives for a day unless `expires` says otherwise."""
        now = self._kernel.now()
        code = self._secret(CODE_CHARACTERS).replace("-", "/").replace("_", "+")[:CODE_CHARACTERS]
        values = {"created": now, "expires": now + LIFE_DEFAULT_S, **more}
        return self._keep(Activation(ids.uuid(self._kernel.dice), account, region, code, role, **values))

    def is_spent_or_good(self, account: str, region: str, activation_id: str) -> bool:
        """Say whether there is such an activation and it was used, or still can be."""
        row = self._rows.get(account, region, activation_id)
        return row is not None and (row.registered > 0 or self._kernel.now() < row.expires)

    def redeemed(self, activation_id: str, code: str) -> Activation:
        """Return the activation after one more registration was counted. Raises InvalidActivation, ActivationExpired."""
        found = next((row for row in self._rows.values() if row.activation_id == activation_id), None)
        if found is None or not hmac.compare_digest(found.code.encode(), code.encode()):
            # ASSUMED: a wrong code and an unknown id read alike, so that neither can be guessed by itself.
            raise AwsError("InvalidActivation", "The activation id or the activation code is not valid.")
        if self._kernel.now() >= found.expires:
            # AWS: seen in public agent logs: the code ActivationExpired, without words.
            raise AwsError("ActivationExpired", "")
        if found.registered >= found.limit:
            # ASSUMED: AWS does not say how a registration beyond the limit is refused.
            raise AwsError("InvalidActivation", f"The activation has been used {found.registered} times, which is its limit.")
        found.registered += 1
        return self._keep(found)

    def check_role(self, account: str, region: str, role: str) -> None:
        """Raise ValidationException unless `role` may be given to nodes."""
        try:
            self._roles.check(account, region, role)
        except AccessDenied as refusal:
            # AWS: the sentence is seen in public reports of CreateActivation.
            arn = self._roles.arn(account, role)
            what = f"Nonexistent role or missing ssm service principal in trust policy: {arn}"
            raise AwsError("ValidationException", what) from refusal

    def passing(self, request: Request) -> Access:
        """Return the right to pass the role that a request names. AWS: Service Authorization Reference, CreateActivation."""
        arn = self._roles.arn(request.account, request.params["IamRole"])
        return Access("iam:PassRole", arn, context={"iam:PassedToService": PASSED_TO})

    def _creation_access(self, request: Request) -> list[Access]:
        return [Access("ssm:CreateActivation"), self.passing(request)]

    def _create(self, request: Request) -> Output:
        params = request.params
        self.check_role(request.account, request.region, params["IamRole"])
        tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
        if len(tags) > TAGS_MAX:
            raise AwsError("InvalidParameters", f"An activation has at most {TAGS_MAX} tags, found {len(tags)}.")
        made = self.make(
            request.account,
            request.region,
            params["IamRole"],
            expires=_expiry(params.get("ExpirationDate"), request.now),
            limit=params.get("RegistrationLimit", 1),
            description=params.get("Description", ""),
            default_name=params.get("DefaultInstanceName", ""),
            tags=tags,
            # AWS: reserved for internal use; kept, and shown by no operation.
            metadata={item["Key"]: item["Value"] for item in params.get("RegistrationMetadata", [])},
        )
        return {"ActivationId": made.activation_id, "ActivationCode": made.code}

    def _describe(self, request: Request) -> Output:
        params = request.params
        rows = self._rows.values(request.account, request.region)
        for each in params.get("Filters", []):
            rows = [row for row in rows if _passes(row, each)]
        refusal = AwsError("InvalidNextToken", "The NextToken is not one that this list gave.")
        limit, token = params.get("MaxResults", PAGE_DEFAULT), params.get("NextToken")
        shown, following = page(rows, lambda row: row.activation_id, limit, token, refusal)
        return {"ActivationList": [_view(row, request.now) for row in shown], **({"NextToken": following} if following else {})}

    def _delete(self, request: Request) -> Output:
        # AWS: nodes that were registered with it stay.
        wanted = request.params["ActivationId"]
        if self._rows.get(request.account, request.region, wanted) is None:
            raise AwsError("InvalidActivationId", f"There is no activation {wanted} in {request.account} {request.region}.")
        self._rows.delete(request.account, request.region, wanted)
        return {}

    def _keep(self, row: Activation) -> Activation:
        return self._rows.put(row, row.account, row.region, row.activation_id)


def _expiry(wanted: float | None, now: float) -> float:
    if wanted is None:
        return now + LIFE_DEFAULT_S
    if not now < wanted <= now + LIFE_MAX_S:
        # ASSUMED: the code and the words; the bounds are documented.
        raise AwsError("ValidationException", "ExpirationDate must be in the future and at most 30 days ahead.")
    return wanted


def _passes(row: Activation, wanted: dict[str, Any]) -> bool:
    key = wanted.get("FilterKey")
    if key not in FILTERS:
        raise AwsError("InvalidFilter", f"Expected a FilterKey, one of {', '.join(FILTERS)}.")
    return FILTERS[key](row) in wanted.get("FilterValues", [])


def _view(row: Activation, now: float) -> Output:
    shown: Output = {
        "ActivationId": row.activation_id,
        "IamRole": row.role,
        "RegistrationLimit": row.limit,
        "RegistrationsCount": row.registered,
        "ExpirationDate": row.expires,
        "Expired": now >= row.expires,
        "CreatedDate": row.created,
        "Tags": [{"Key": key, "Value": value} for key, value in row.tags.items()],
    }
    texts = {"Description": row.description, "DefaultInstanceName": row.default_name}
    return shown | {name: text for name, text in texts.items() if text}
