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
from collections.abc import Callable, Sequence
from typing import Any

from localorg.identity.authorise import Authoriser
from localorg.identity.directory import Directory
from localorg.identity.facts import user_id
from localorg.identity.records import Role, Session
from localorg.identity.session_limits import packed_size, session_policies, session_tags
from localorg.kernel.arn import parse_arn
from localorg.kernel.errors import AccessDenied, AwsError, NotSupported
from localorg.protocol.calls import Access, Operation, Output, Principal, Request

SecretSource = Callable[[int], str]
"""number of random bytes -> text of at least that many URL-safe characters (secrets.token_urlsafe)."""
IsOpen = Callable[[str], bool]
"""account id -> may it be worked in (is it ACTIVE)?"""
CHAINED_S_MAX = 3600
DEFAULT_S = 3600
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
        return self.open(self.of_role(role, name, duration_s, policies))

    def of_role(self, role: Role, name: str, duration_s: int, policies: tuple[str, ...] = ()) -> Session:
        """Return a session of `role` that is not open yet, and has no credentials."""
        now = self._directory.kernel.now()
        return Session(
            id="",
            secret="",
            token="",
            account=role.account,
            role_arn=role.arn,
            role_id=role.unique_id,
            arn=session_arn(self._directory.partition, role, name),
            name=name,
            issued=now,
            expires=now + duration_s,
            policies=policies,
        )

    def open(self, session: Session) -> Session:
        """Give a session credentials, and keep it."""
        key = self._secrets.key_id("ASIA")
        while (key,) in self._directory.sessions:
            key = self._secrets.key_id("ASIA")
        session.id, session.secret, session.token = key, self._secrets.secret(), self._secrets.token()
        self._sweep(session.issued)
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
            return session.secret, session.token, session.expires, self._principal_of(session)
        key = self._directory.keys.get(access_key_id)
        user = self._directory.users.get(key.account, key.user.lower()) if key and key.active else None
        if key is None or user is None:
            return None
        return key.secret, None, None, Principal(kind="user", account=key.account, arn=user.arn, access_key=key.id)

    def admit(self, access_key_id: str, service: str) -> None:
        """Raise AwsError when a session may not call `service` at all, or when whose it was is gone."""
        session = self._directory.sessions.get(access_key_id)
        if session is None:
            return
        if session.user_id:
            users = self._directory.users.values(session.account)
            is_there = any(user.unique_id == session.user_id for user in users)
        else:
            role = self._directory.role_by_arn(session.role_arn)
            is_there = role is not None and role.unique_id == session.role_id
        # AWS: API GetSessionToken and GetFederationToken: without a device, these credentials cannot call IAM. Observed: IAM answers as
        # to a key that is nobody's. ASSUMED: so does every service when the role or the user of a session was deleted.
        if not is_there or (session.user_id and service == "iam"):
            raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.")

    def _principal_of(self, session: Session) -> Principal:
        """Return the principal of a session; a user's may have a new name by now."""
        if not session.user_id:
            return session_principal(session)
        users = self._directory.users.values(session.account)
        arn = next((user.arn for user in users if user.unique_id == session.user_id), "")
        if session.arn.split(":")[2] == "sts":
            given = session.policies
            return Principal(
                "federated", session.account, session.arn, user_arn=arn, access_key=session.id, session_policies=given
            )
        return Principal("user", session.account, arn or session.arn, access_key=session.id)

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
        if request.principal.kind == "federated":
            # AWS: API GetFederationToken: of STS, these credentials may only call GetCallerIdentity. ASSUMED: the words.
            raise AccessDenied("Cannot call AssumeRole with federated user credentials")
        arn = request.params["RoleArn"]
        parts = parse_arn(arn)
        if parts is None or parts.service != "iam" or not parts.resource.startswith("role/"):
            raise AwsError("ValidationError", f"{arn} is invalid")
        # ASSUMED: in a suspended account no role can be assumed, in the words of a role that does not trust.
        role = self._directory.role_by_arn(arn) if self._is_open(parts.account) else None
        trust: dict[str, Any] = json.loads(role.trust) if role else NOBODY
        calling, context = self._calling(request), _assume_context(request)
        actions = ["sts:AssumeRole"]
        # AWS: user guide "Monitor and control actions taken with assumed roles", "Pass session tags": what a session hands on needs the
        # same leave, on both sides, as what is given anew.
        if "SourceIdentity" in request.params or (calling and calling.source_identity):
            actions.append("sts:SetSourceIdentity")
        if request.params.get("Tags") or (calling and calling.transitive):
            actions.append("sts:TagSession")
        return [Access(action, arn, parts.account, trust, trust=True, context=context) for action in actions]

    def _calling(self, request: Request) -> Session | None:
        return self._directory.sessions.get(request.principal.access_key) if request.principal.access_key else None

    def assume_role(self, request: Request) -> Output:
        """Open a session of a role. Raises AccessDenied, ValidationError, MalformedPolicyDocument, PackedPolicyTooLarge."""
        if request.params.get("ProvidedContexts"):
            raise NotSupported("the parameter ProvidedContexts", "sts:AssumeRole")
        refuse_devices(request)
        role = self._directory.role_by_arn(request.params["RoleArn"])
        if role is None:
            raise AccessDenied(f"{request.params['RoleArn']} does not exist")
        duration_s = request.params.get("DurationSeconds", DEFAULT_S)
        _check_duration(request.principal, role, duration_s)
        policies = session_policies(self._directory, role.account, request)
        session = self._sessions.of_role(role, request.params["RoleSessionName"], duration_s, policies)
        calling = self._calling(request)
        tags = session_tags(request, calling)
        session.tags, session.transitive = dict(tags.tags), tags.transitive
        session.source_identity = _source_identity(request, calling)
        packed = packed_size(request, tags.tags)
        self._sessions.open(session)
        role.last_used, role.last_used_region = request.now, request.region
        self._directory.keep(role)
        output: Output = {
            "Credentials": credentials_output(session),
            "AssumedRoleUser": {"AssumedRoleId": f"{role.unique_id}:{session.name}", "Arn": session.arn},
        }
        if packed is not None:
            output["PackedPolicySize"] = packed
        if session.source_identity:
            output["SourceIdentity"] = session.source_identity
        return output

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
        wanted = request.params["AccessKeyId"]
        # AWS: API GetAccessKeyInfo: keys that are not active have an account too.
        found = self._directory.keys.get(wanted) or self._directory.sessions.get(wanted)
        if found is None:
            raise AwsError("ValidationError", f"The access key {wanted} does not exist.")
        return {"Account": found.account}


NOBODY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}],
}
"""The trust policy of a role that does not exist: it lets nobody in, with the words of a role that does not trust."""


def refuse_devices(request: Request) -> None:
    """Raise AccessDenied for a code of a device for multi-factor authentication: nobody here has one."""
    if "SerialNumber" in request.params or "TokenCode" in request.params:
        raise AccessDenied(
            "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid "
            "and associated with this user."
        )


def _assume_context(request: Request) -> dict[str, str | Sequence[str]]:
    keys = {"sts:RoleSessionName": "RoleSessionName", "sts:ExternalId": "ExternalId", "sts:SourceIdentity": "SourceIdentity"}
    context: dict[str, str | Sequence[str]] = {key: request.params[name] for key, name in keys.items() if name in request.params}
    if request.params.get("TransitiveTagKeys"):
        context["sts:TransitiveTagKeys"] = tuple(request.params["TransitiveTagKeys"])
    return context


def _source_identity(request: Request, calling: Session | None) -> str:
    """Return whom the session is for. AWS: once set, it stays the same through every role of a chain."""
    before = calling.source_identity if calling else ""
    wanted = str(request.params.get("SourceIdentity", before))
    if before and wanted != before:
        # ASSUMED: the words; AWS documents that the request fails.
        raise AccessDenied(f"The source identity of the calling session is {before} and cannot be changed to {wanted}.")
    return wanted


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
