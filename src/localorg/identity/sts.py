"""STS: temporary credentials for roles, and the answer to "who am I?".

Flow: AssumeRole -> the role's trust policy and the caller's own policies (access rule) -> limits of time -> a `Session` row with
secret and token -> later requests present the key, `Sessions.principal` says who that is.
Rules: a role that does not exist is refused like one that does not trust the caller. A session ends by the kernel's clock.
Secrets come from the given source, never from the dice of the simulation.
Refuses to know: signatures (the server verifies them with `credentials`).

AWS: STS API reference, AssumeRole, GetCallerIdentity, GetAccessKeyInfo; IAM user guide, "Methods to assume a role" (role chaining).
"""

import json
from base64 import b32encode
from collections.abc import Callable
from typing import Any

from localorg.identity.authorise import Authoriser
from localorg.identity.directory import Directory
from localorg.identity.facts import user_id
from localorg.identity.partition_check import check_partition
from localorg.identity.policy import parsed
from localorg.identity.records import Role, Session
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AccessDenied, AwsError, NotSupported
from localorg.protocol.calls import Access, Operation, Output, Principal, Request

SecretSource = Callable[[int], str]
"""number of random bytes -> text of at least that many URL-safe characters (secrets.token_urlsafe)."""
IsOpen = Callable[[str], bool]
"""account id -> may it be worked in (is it ACTIVE)?"""
CHAINED_S_MAX = 3600
DEFAULT_S = 3600
REFUSED = ("Tags", "TransitiveTagKeys", "SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts")
SWEEP_EVERY = 256
FORGET_AFTER_S = 3600.0
"""An expired session is remembered for a while, so that its holder reads `expired` and not `invalid`."""


class Secrets:
    """Makes keys in AWS's shapes from the given source."""

    def __init__(self, source: SecretSource) -> None:
        self._source = source

    def key_id(self, prefix: str) -> str:
        """Return an access key id: `prefix` (AKIA, ASIA) and 16 upper-case characters."""
        return prefix + b32encode(self._source(24).encode()).decode()[:16]

    def secret(self) -> str:
        """Return a secret access key of 40 characters."""
        return self._source(40).replace("-", "/").replace("_", "+")[:40]

    def token(self) -> str:
        """Return a session token."""
        return "IQoJb3JpZ2luX2Vj" + self._source(192).replace("-", "/").replace("_", "+")


class Sessions:
    """Issues and recognises temporary credentials."""

    def __init__(self, directory: Directory, secrets: Secrets) -> None:
        self._directory = directory
        self._secrets = secrets
        self._issued = 0

    def issue(self, role: Role, name: str, duration_s: int, policies: tuple[str, ...] = ()) -> Session:
        """Open a session of `role`; the caller has been judged before."""
        now = self._directory.kernel.now()
        key = self._secrets.key_id("ASIA")
        while key in self._directory.sessions:
            key = self._secrets.key_id("ASIA")
        session = Session(
            id=key,
            secret=self._secrets.secret(),
            token=self._secrets.token(),
            account=role.account,
            role_arn=role.arn,
            role_id=role.unique_id,
            arn=session_arn(self._directory.partition, role, name),
            name=name,
            issued=now,
            expires=now + duration_s,
            policies=policies,
        )
        self._sweep(now)
        return self._directory.sessions.put(session, key)

    def principal(self, access_key_id: str) -> Principal:
        """Return who holds these credentials. Raises AwsError when nobody does, or when they have expired."""
        found = self.find(access_key_id)
        if found is None:
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
        _, _, expires, principal = found
        if expires is not None and self._directory.kernel.now() >= expires:
            raise AwsError("ExpiredTokenException", "The security token included in the request is expired", 403)
        return principal

    def find(self, access_key_id: str) -> tuple[str, str | None, float | None, Principal] | None:
        """Return (secret, session token, expiry, principal) of a key, long-lived or temporary, or None when it is unknown."""
        session = self._directory.sessions.get(access_key_id)
        if session:
            return session.secret, session.token, session.expires, session_principal(session)
        key = self._directory.keys.get(access_key_id)
        user = self._directory.users.get(key.account, key.user.lower()) if key and key.active else None
        if key is None or user is None:
            return None
        return key.secret, None, None, Principal(kind="user", account=key.account, arn=user.arn, access_key=key.id)

    def _sweep(self, now: float) -> None:
        self._issued += 1
        if self._issued % SWEEP_EVERY:
            return
        for (key,), session in self._directory.sessions.items():
            if now >= session.expires + FORGET_AFTER_S:
                self._directory.sessions.delete(key)


def session_arn(partition: str, role: Role, name: str) -> str:
    """Return the ARN of a role session. AWS: it leaves the role's path out."""
    return f"arn:{partition}:sts::{role.account}:assumed-role/{role.name}/{name}"


def session_principal(session: Session) -> Principal:
    """Return the principal of a session."""
    return Principal(
        kind="role",
        account=session.account,
        arn=session.arn,
        role_arn=session.role_arn,
        access_key=session.id,
        session_policies=session.policies,
    )


def credentials_output(session: Session) -> Output:
    """Return the Credentials structure of STS."""
    return {
        "AccessKeyId": session.id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": session.expires,
    }


class SecurityTokens:
    """The operations of STS."""

    def __init__(self, directory: Directory, sessions: Sessions, authoriser: Authoriser, is_open: IsOpen) -> None:
        self._directory = directory
        self._sessions = sessions
        self._authoriser = authoriser
        self._is_open = is_open

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [
            Operation("sts", "AssumeRole", self.assume_role, self.assume_role_access),
            Operation("sts", "GetCallerIdentity", self.get_caller_identity, _no_permission_needed),
            Operation("sts", "GetAccessKeyInfo", self.get_access_key_info),
        ]

    def assume_role_access(self, request: Request) -> list[Access]:
        """Judge the trust policy; a role that is not there trusts nobody."""
        if request.principal.kind == "root":
            raise AccessDenied("Roles may not be assumed by root accounts.")
        arn = request.params["RoleArn"]
        parts = parse_arn(arn)
        if parts is None or parts.service != "iam" or not parts.resource.startswith("role/"):
            raise AwsError("ValidationError", f"{arn} is invalid")
        # ASSUMED: in a suspended account no role can be assumed, in the words of a role that does not trust.
        role = self._directory.role_by_arn(arn) if self._is_open(parts.account) else None
        context = {"sts:RoleSessionName": request.params["RoleSessionName"]}
        if "ExternalId" in request.params:
            context["sts:ExternalId"] = request.params["ExternalId"]
        trust: dict[str, Any] = json.loads(role.trust) if role else NOBODY
        return [Access("sts:AssumeRole", arn, parts.account, trust, trust=True, context=context)]

    def assume_role(self, request: Request) -> Output:
        """Open a session of a role."""
        unsupported = [name for name in REFUSED if request.params.get(name)]
        if unsupported:
            raise NotSupported(", ".join(f"the parameter {name}" for name in unsupported), "sts:AssumeRole")
        role = self._directory.role_by_arn(request.params["RoleArn"])
        if role is None:
            raise AccessDenied(f"{request.params['RoleArn']} does not exist")
        duration_s = request.params.get("DurationSeconds", DEFAULT_S)
        _check_duration(request.principal, role, duration_s)
        policies = self._session_policies(request, role)
        session = self._sessions.issue(role, request.params["RoleSessionName"], duration_s, policies)
        role.last_used, role.last_used_region = request.now, request.region
        self._directory.keep(role)
        output: Output = {
            "Credentials": credentials_output(session),
            "AssumedRoleUser": {"AssumedRoleId": f"{role.unique_id}:{session.name}", "Arn": session.arn},
        }
        if policies:
            # ASSUMED: AWS packs session policies in a way it does not publish; this is their share of 2,048 characters.
            output["PackedPolicySize"] = min(100, sum(map(len, policies)) * 100 // 2048)
        return output

    def _session_policies(self, request: Request, role: Role) -> tuple[str, ...]:
        texts = []
        if "Policy" in request.params:
            parsed(request.params["Policy"], "session")
            check_partition(self._directory.partition, request.params["Policy"])
            texts.append(request.params["Policy"])
        for entry in request.params.get("PolicyArns", ()):
            policy = self._directory.policy(entry.get("arn", ""))
            if not policy.aws_owned and policy.account != role.account:
                raise AwsError("MalformedPolicyDocument", f"{policy.arn} is not in the account of {role.arn}")
            texts.append(policy.document)
        return tuple(texts)

    def get_caller_identity(self, request: Request) -> Output:
        """Say who calls. AWS: no permission is needed, and none can be taken away."""
        principal = request.principal
        return {
            "UserId": user_id(principal, self._authoriser.holder(principal)),
            "Account": principal.account,
            "Arn": principal.arn,
        }

    def get_access_key_info(self, request: Request) -> Output:
        """Say which account a key belongs to."""
        found = self._sessions.find(request.params["AccessKeyId"])
        if found is None:
            raise AwsError("ValidationError", f"The access key {request.params['AccessKeyId']} does not exist.")
        return {"Account": found[3].account}


NOBODY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}],
}
"""The trust policy of a role that does not exist: it lets nobody in, with the words of a role that does not trust."""


def _no_permission_needed(_request: Request) -> list[Access]:
    return []


def _check_duration(principal: Principal, role: Role, duration_s: int) -> None:
    if principal.kind == "role" and duration_s > CHAINED_S_MAX:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        )
    if duration_s > role.max_session_s:
        raise AwsError("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
