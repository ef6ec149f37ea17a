"""Who asks: one principal in one account, its clients, and the roles it takes on.

Flow: environment -> Principal.of_environment() -> .assume(role) -> .client(service, region) inside `asking(...)`.

Rules: botocore's errors end here, as AwsRefused. Refuses to know: what is asked.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
import botocore.session
from boto3.exceptions import Boto3Error, S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import create_loader

from csd.errors import AwsRefused, CsdInputError, Problem

_CONFIG = Config(retries={"mode": "standard", "max_attempts": 5}, user_agent_extra="csd/0.1")
_UNASKED = (BotoCoreError, Boto3Error)
_SIGN_IN = "Sign in (aws sso login, aws configure), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
# What the operator does next, for refusals that say nothing of it.
_ADVICE = {
    "NoCredentialsError": _SIGN_IN,
    "PartialCredentialsError": _SIGN_IN,
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "EndpointConnectionError": "Is the network up, the Region right, and AWS_ENDPOINT_URL (if it is set) the address of one that runs?",
}


class Principal:
    """Somebody in one account and one home Region."""

    def __init__(self, session: boto3.Session, account: str, arn: str) -> None:
        self.session, self.account, self.arn = session, account, arn

    @classmethod
    def of_environment(cls, region: str = "") -> "Principal":
        """The caller, as the environment says. Raises CsdInputError without a Region, AwsRefused without credentials."""
        with _reaching("sts"):
            # boto3 itself reads AWS_DEFAULT_REGION only, other than AWS's CLI and its other SDKs.
            session = boto3.Session(botocore_session=_core(), region_name=region or os.environ.get("AWS_REGION") or None)
        if not session.region_name:
            raise CsdInputError([Problem("Region", "none is given.", "Set AWS_REGION, or give --region.")])
        sts = _client(session, "sts")
        with asking(sts):
            identity = sts.get_caller_identity()
        return cls(session, identity["Account"], identity["Arn"])

    @property
    def partition(self) -> str:
        """aws, aws-us-gov, aws-cn, … as the caller's own ARN tells."""
        return self.arn.split(":")[1]

    @property
    def region(self) -> str:
        """The home Region."""
        return str(self.session.region_name)

    def role_arn(self, name: str, account: str = "") -> str:
        """ARN of a role by name, in this account unless another is given."""
        return f"arn:{self.partition}:iam::{account or self.account}:role/{name}"

    def assume(self, role_arn: str, denied: str = "") -> "Principal":
        """This principal in a role. Raises AwsRefused when the role may not be assumed, with `denied` as the next step."""
        account = role_arn.split(":")[4]
        sts = _client(self.session, "sts", account=account)
        with asking(sts, account, {"AccessDenied": denied}):
            credentials = sts.assume_role(RoleArn=role_arn, RoleSessionName="csd")["Credentials"]
        session = boto3.Session(
            botocore_session=_core(),
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=self.region,
        )
        return Principal(session, account, role_arn)

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client of this principal."""
        return _client(self.session, service, region or self.region, self.account)


def _core() -> botocore.session.Session:
    """A new core. All read botocore's models together: parsing them is most of what a role costs, and a command, each time."""
    core = botocore.session.Session()
    core.register_component("data_loader", _models(core.get_config_variable("data_path") or ""))
    return core


@cache
def _models(data_path: str) -> Any:
    return create_loader(data_path)


def _client(session: boto3.Session, service: str, region: str = "", account: str = "") -> Any:
    # botocore says ValueError of an endpoint that is no URL.
    with _reaching(service, region or str(session.region_name), account, (*_UNASKED, ValueError)):
        return session.client(service, region_name=region or None, config=_CONFIG)


@contextmanager
def asking(client: Any, account: str = "", advices: Mapping[str, str] | None = None) -> Iterator[None]:
    """Translate what botocore raises inside: the one seam where ClientError ends. `advices` add next steps by AWS's code."""
    service, region = client.meta.service_model.service_name, client.meta.region_name
    try:
        with _reaching(service, region, account):
            try:
                yield
            except S3UploadFailedError as failed:  # boto3's transfers wrap AWS's refusal in an error of their own
                raise failed.__context__ or failed from failed
    except ClientError as refused:
        told = refused.response.get("Error", {})
        code, said = told.get("Code", "Unknown"), told.get("Message", str(refused))
        operation, advice = refused.operation_name, {**_ADVICE, **(advices or {})}.get(code, "")
        raise AwsRefused(
            service=service, operation=operation, code=code, said=said, account=account, region=region, advice=advice
        ) from refused


@contextmanager
def _reaching(
    service: str, region: str = "", account: str = "", errors: tuple[type[Exception], ...] = _UNASKED
) -> Iterator[None]:
    """Translate what stops a call before AWS answers: settings, credentials, the network."""
    try:
        yield
    except errors as broken:
        code = type(broken).__name__
        advice = _ADVICE.get(code, "")
        raise AwsRefused(
            service=service, operation="", code=code, said=str(broken), account=account, region=region, advice=advice
        ) from broken
