"""The values that travel between the wire, the gateway and the engines. No behaviour lives here.

A call is (principal, region, service, operation, params). `params` and outputs are dictionaries in the shape of the botocore
model, with timestamps as epoch seconds (float) and blobs as bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event

Params = dict[str, Any]
Output = dict[str, Any]
ContextKeys = Mapping[str, str | Sequence[str]]
"""Condition key (ssm:Overwrite, aws:RequestTag/Stage ...) -> its value, or the values of a key that can have several (aws:TagKeys)."""


@dataclass(frozen=True)
class Principal:
    """Who makes a call, after authentication.

    kind: `user` (IAM user), `role` (an assumed-role session), `federated` (whom a user let in by GetFederationToken), `root`,
    `service` (an AWS service acting for itself, e.g. ssm.amazonaws.com), `node` (a hybrid node that signed with its own key, and
    holds no policies) or `anonymous`. `arn` is what AWS prints in "User: <arn> is not authorized"; `role_arn` is the role of
    a session; `service` the service principal. `account` is empty only for `anonymous`.
    """

    kind: Literal["user", "role", "federated", "root", "service", "node", "anonymous"]
    account: str
    arn: str
    role_arn: str = ""
    service: str = ""
    access_key: str = ""
    session_policies: tuple[str, ...] = ()
    source_account: str = ""
    """For a service principal: the account it acts for (aws:SourceAccount)."""
    user_arn: str = ""
    """For a federated principal: the user who let it in, whose policies it has."""
    source_arn: str = ""
    """For a service principal: the resource it acts for (aws:SourceArn)."""
    via: tuple[str, ...] = ()
    """The services that make the call with this principal's own credentials, first first (aws:CalledVia)."""


@dataclass(frozen=True)
class ApiCall:
    """One call, from the wire or from an engine."""

    principal: Principal
    region: str
    service: str
    operation: str
    params: Params = field(default_factory=dict)
    source: Literal["wire", "engine"] = "engine"
    context: ContextKeys = field(default_factory=dict)
    """What is known of the request itself (aws:SourceIp, aws:UserAgent ...); a part of the context of each of its accesses."""


@dataclass(frozen=True)
class Access:
    """One thing that the evaluator must allow before a handler runs.

    `owner` is the account that owns the resource (empty: the caller's own). `resource_policy` is the policy document attached to
    the resource (trust policy, bucket policy) when it has one; `trust` says it is a role trust policy, for which the policy alone
    decides for service principals. `context` gives the condition keys of the service (ssm:Overwrite, iam:PassedToService ...); a key
    without values is one that the request does not have. The gateway adds the keys of the request and of the tags that it brings.
    """

    action: str
    resource: str = "*"
    owner: str = ""
    resource_policy: dict[str, Any] | None = None
    trust: bool = False
    policy_decides: bool = False
    """The resource's policy has the last word inside its account too, as a key's has: without an allow of its own, IAM's do not count."""
    context: ContextKeys = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What a handler receives: the call, plus the door to further checks in the middle of the work."""

    principal: Principal
    account: str
    region: str
    service: str
    operation: str
    params: Params
    now: float
    check: Callable[[Access], None]
    """Raises AccessDenied unless the principal has this access too (for instance iam:PassRole)."""


Handler = Callable[[Request], Output]
AccessRule = Callable[[Request], Sequence[Access]]


@dataclass(frozen=True)
class Operation:
    """One operation of a service: its handler and what a caller must be allowed. `access=None` means the usual action on `*`."""

    service: str
    name: str
    handler: Handler
    access: AccessRule | None = None


class Wait(Exception):
    """Raised by a handler that has nothing yet: call again when `topic` is announced, or give up after `timeout_s`."""

    def __init__(self, topic: str, timeout_s: float, otherwise: Output | AwsError) -> None:
        super().__init__(topic)
        self.topic = topic
        self.timeout_s = timeout_s
        self.otherwise = otherwise

    def give_up(self) -> Output:
        """Return the answer for a caller who waits no longer, or raise it when it is a refusal."""
        if isinstance(self.otherwise, AwsError):
            raise self.otherwise
        return self.otherwise


@dataclass(frozen=True)
class ScriptJob:
    """An executeScript run for the worker: code, handler name, payload, credentials of the assumed role, and the reply event.

    The reply's data is extended with {"ok": True, "payload": Any, "log": str} or
    {"ok": False, "error": str, "error_type": str, "log": str, "timed_out": bool}.
    """

    script: str
    handler: str
    payload: dict[str, Any]
    runtime: str
    region: str
    credentials: Mapping[str, str] | None
    """AccessKeyId, SecretAccessKey, SessionToken; None runs the script without credentials, as AWS does without a role."""
    timeout_s: float
    reply: Event
    attachment: str = ""
    """Name of a file (.py or .zip) that the script may import, or is; `attached` are its bytes."""
    attached: bytes = b""
