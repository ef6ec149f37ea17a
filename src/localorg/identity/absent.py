"""What an account can have in AWS and cannot have here: passwords, MFA devices, certificates, identity providers and the like.

Rules: whatever makes one of them is refused by name, by the gateway; whoever asks for them hears the truth, that there is none: lists
are empty, and what is named is not there. Tools that tidy up before they delete a user ask for all of these.
Refuses to know: anything about them.

AWS: IAM API reference, ListMFADevices, GetLoginProfile, ListSSHPublicKeys and their kin.
"""

from collections.abc import Callable

from localorg.identity.directory import Directory, missing
from localorg.identity.listing import listed
from localorg.identity.users import Users, named_user
from localorg.protocol.calls import Access, Operation, Output, Request

OF_A_USER = {
    "ListMFADevices": "MFADevices",
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListSigningCertificates": "Certificates",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
}
OF_AN_ACCOUNT = {
    "ListVirtualMFADevices": "VirtualMFADevices",
    "ListServerCertificates": "ServerCertificateMetadataList",
}
UNPAGED = {"ListOpenIDConnectProviders": "OpenIDConnectProviderList", "ListSAMLProviders": "SAMLProviderList"}
NAMED = {
    "GetServerCertificate": (
        "ServerCertificateName",
        "server-certificate/",
        "The Server Certificate with name {} cannot be found.",
    ),
    "DeleteServerCertificate": (
        "ServerCertificateName",
        "server-certificate/",
        "The Server Certificate with name {} cannot be found.",
    ),
    "GetOpenIDConnectProvider": ("OpenIDConnectProviderArn", "", "OpenIDConnect Provider not found for arn {}"),
    "GetSAMLProvider": ("SAMLProviderArn", "", "Manifest not found for arn {}"),
}
"""Operation -> (the parameter that names it, how its resource begins when the name is no ARN, AWS's words)."""


class Absent:
    """Operations about things that nobody here can have."""

    def __init__(self, directory: Directory, users: Users) -> None:
        self._directory = directory
        self._users = users

    def operations(self) -> list[Operation]:
        """Return what the gateway offers."""
        of_user = self._users.access
        return [
            *(Operation("iam", name, self._none_of_user(member), self._user_access) for name, member in OF_A_USER.items()),
            *(Operation("iam", name, _none(member)) for name, member in OF_AN_ACCOUNT.items()),
            *(Operation("iam", name, _nothing(member)) for name, member in UNPAGED.items()),
            *(Operation("iam", name, _not_there(*told), self._named_access(*told[:2])) for name, told in NAMED.items()),
            Operation("iam", "GetLoginProfile", self._no_login_profile, of_user),
            Operation("iam", "DeleteLoginProfile", self._no_login_profile, of_user),
        ]

    def _user_access(self, request: Request) -> list[Access]:
        if request.params.get("AllUsers"):
            return [Access(f"iam:{request.operation}", self._directory.arn(request.account, "user", "/", "*"))]
        return self._users.access(request)

    def _named_access(self, parameter: str, kind: str) -> Callable[[Request], list[Access]]:
        def access(request: Request) -> list[Access]:
            named = request.params[parameter]
            arn = f"arn:{self._directory.partition}:iam::{request.account}:{kind}{named}" if kind else named
            return [Access(f"iam:{request.operation}", arn)]

        return access

    def _none_of_user(self, member: str) -> Callable[[Request], Output]:
        none = _none(member)

        def handler(request: Request) -> Output:
            if not request.params.get("AllUsers"):
                self._directory.user(request.account, named_user(self._directory, request))
            return none(request)

        return handler

    def _no_login_profile(self, request: Request) -> Output:
        raise missing(f"Login Profile for User {self._users.user(request).name} cannot be found.")


def _none(member: str) -> Callable[[Request], Output]:
    rows: list[str] = []
    return lambda request: listed(request, member, rows, str)


def _nothing(member: str) -> Callable[[Request], Output]:
    return lambda _request: {member: []}


def _not_there(parameter: str, _kind: str, words: str) -> Callable[[Request], Output]:
    def handler(request: Request) -> Output:
        raise missing(words.format(request.params[parameter]))

    return handler
