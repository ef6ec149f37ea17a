"""Temporary credentials of users: for themselves (GetSessionToken), or for somebody whom they let in (GetFederationToken).

Rules: only a user's own key opens them, never a session's. Whoever is let in may do what both the user's and the given policies allow:
nothing, when no policy is given. These credentials do not work with IAM (`refuse_iam`), and hardly with STS.
Refuses to know: devices for multi-factor authentication; nobody here has one.

AWS: STS API reference, GetSessionToken, GetFederationToken; IAM user guide, "Compare AWS STS credentials".
"""

import json

from localorg.identity.directory import Directory
from localorg.identity.records import Session, User
from localorg.identity.session_limits import packed_size, session_policies, session_tags
from localorg.identity.sts import Sessions, credentials_output, refuse_devices
from localorg.kernel.errors import AccessDenied
from localorg.protocol.calls import Access, Operation, Output, Request

DEFAULT_S = 12 * 3600
NOTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "none:null", "Resource": "*"}]})
"""The session policy of a federated user without one: AWS: "the resulting federated user session has no permissions"."""


class UserSessions:
    """The operations."""

    def __init__(self, directory: Directory, sessions: Sessions) -> None:
        self._directory = directory
        self._sessions = sessions

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        return [
            # AWS: API GetSessionToken: no permission is needed; policies cannot control authentication.
            Operation("sts", "GetSessionToken", self._session_token, lambda _request: []),
            Operation("sts", "GetFederationToken", self._federation_token, self._federation_access),
        ]

    def _user(self, request: Request) -> User:
        """Return the calling user. Raises AccessDenied for a session."""
        principal = request.principal
        user = self._directory.user_by_arn(principal.arn) if principal.kind == "user" else None
        if user is None or (principal.access_key,) in self._directory.sessions:
            raise AccessDenied(f"Cannot call {request.operation} with session credentials")
        return user

    def _session_token(self, request: Request) -> Output:
        user = self._user(request)
        refuse_devices(request)
        session = self._sessions.open(self._of(user, user.arn, user.name, request))
        return {"Credentials": credentials_output(session)}

    def _of(self, user: User, arn: str, name: str, request: Request) -> Session:
        return Session(
            id="",
            secret="",
            token="",
            account=user.account,
            role_arn="",
            role_id="",
            arn=arn,
            name=name,
            issued=request.now,
            expires=request.now + request.params.get("DurationSeconds", DEFAULT_S),
            user_id=user.unique_id,
        )

    def _arn(self, request: Request) -> str:
        return f"arn:{self._directory.partition}:sts::{request.account}:federated-user/{request.params['Name']}"

    def _federation_access(self, request: Request) -> list[Access]:
        self._user(request)
        actions = ["sts:GetFederationToken", *(["sts:TagSession"] if request.params.get("Tags") else [])]
        return [Access(action, self._arn(request)) for action in actions]

    def _federation_token(self, request: Request) -> Output:
        user, name = self._user(request), request.params["Name"]
        tags = session_tags(request, None)
        session = self._of(user, self._arn(request), name, request)
        session.policies = session_policies(self._directory, user.account, request) or (NOTHING,)
        session.tags = dict(tags.tags)
        packed = packed_size(request, tags.tags)
        self._sessions.open(session)
        return {
            "Credentials": credentials_output(session),
            "FederatedUser": {"FederatedUserId": f"{user.account}:{name}", "Arn": session.arn},
            **({} if packed is None else {"PackedPolicySize": packed}),
        }
