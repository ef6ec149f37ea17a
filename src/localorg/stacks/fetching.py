"""Templates and other texts that lie in S3: fetched under the caller's rights, while the request waits.

Flow: TemplateURL, AccountsUrl -> bucket and key -> s3:GetObject -> `Wait` -> the answer is kept -> the request runs again and takes it.
Rules: an answer is taken once. What S3 refuses is a ValidationError with S3's words, as CloudFormation tells it.
Refuses to know: what the texts mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ApiCall, Request, Wait
from localorg.protocol.gateway import Gateway
from localorg.protocol.s3_hosts import bucket_of
from localorg.stacks.principals import on_behalf_of
from localorg.stacks.template import invalid

ENGINE = "stacks-templates"
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Sort:
    """A sort of texts: its name, the member of a request that names it, what may be given in its place, and how large it may be."""

    what: str
    member: str
    instead: str
    bytes_max: int
    takes_s3: bool = False
    """Whether it may be named as s3://BUCKET/KEY."""


TEMPLATE = Sort("template", "TemplateURL", "TemplateBody", 1_048_576)
"""AWS: CloudFormation quotas, template body size in an S3 object."""
ACCOUNTS = Sort("list of accounts", "AccountsUrl", "Accounts", 10 * 1024 * 1024, takes_s3=True)
"""AWS: CloudFormation API reference, DeploymentTargets, AccountsUrl."""


class Fetching:
    """Gets texts by URL."""

    def __init__(self, kernel: Kernel, gateway: Gateway) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._answers: dict[str, bytes | AwsError] = {}
        self._asked: set[str] = set()
        kernel.on(ENGINE, self._handle)

    def ready(self, request: Request, *urls: str) -> None:
        """Ask for all of these at once. Raises Wait until every one can be taken (`text` takes one)."""
        for url in urls:
            bucket, key = self._place(url)
            if (ticket := _ticket(request, url)) not in self._answers:
                self._ask(request, bucket, key, ticket)
        for url in urls:
            if (ticket := _ticket(request, url)) not in self._answers:
                raise Wait(f"{ENGINE}:{ticket}", PATIENCE_S, _late(url))

    def accounts(self, request: Request, url: str) -> str:
        """Return the list of accounts at `url`, as `text` does."""
        return self.text(request, url, ACCOUNTS)

    def text(self, request: Request, url: str, sort: Sort = TEMPLATE) -> str:
        """Return the text at `url`. Raises Wait while it is under way, ValidationError when it cannot be had."""
        bucket, key = self._place(url, sort)
        ticket = _ticket(request, url)
        answer = self._answers.pop(ticket, None)
        if answer is None:
            self._ask(request, bucket, key, ticket)
            raise Wait(f"{ENGINE}:{ticket}", PATIENCE_S, _late(url, sort))
        if isinstance(answer, AwsError):
            raise invalid(f"S3 error: {answer.message}")
        if len(answer) > sort.bytes_max:
            raise invalid(f"The {sort.what} at {url} has {len(answer)} bytes; at most {sort.bytes_max} are allowed")
        try:
            return answer.decode("utf-8")
        except UnicodeDecodeError as error:
            raise invalid(f"The {sort.what} at {url} is not UTF-8 text: {error}") from error

    def _ask(self, request: Request, bucket: str, key: str, ticket: str) -> None:
        if ticket in self._asked:
            return
        self._asked.add(ticket)
        call = ApiCall(on_behalf_of(request.principal), request.region, "s3", "GetObject", {"Bucket": bucket, "Key": key})
        self._gateway.submit(call, Event(ENGINE, "fetched", {"ticket": ticket}))

    def _handle(self, event: Event) -> None:
        ticket: str = event.data["ticket"]
        self._asked.discard(ticket)
        self._answers[ticket] = _answer(event.data)
        self._kernel.announce(f"{ENGINE}:{ticket}")

    def _place(self, url: str, sort: Sort = TEMPLATE) -> tuple[str, str]:
        parts = urlsplit(url)
        host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
        if parts.scheme == "s3" and sort.takes_s3 and host and path:
            return parts.netloc, path
        hosted = bucket_of(host, self._kernel.settings.partition)
        if hosted and path:
            return hosted, path
        bucket, _, key = path.partition("/")
        if (hosted == "" or url.startswith(f"{self._kernel.settings.endpoint}/")) and bucket and key:
            return bucket, key
        # AWS: CloudFormation's own sentence.
        raise invalid(f"{sort.member} must be a supported URL.")


def _ticket(request: Request, url: str) -> str:
    return f"{request.principal.arn} {request.region} {request.operation} {url}"


def _late(url: str, sort: Sort = TEMPLATE) -> AwsError:
    return invalid(
        f"The {sort.what} at {url} was not there in time (a caller that cannot wait, such as a runbook, gives {sort.instead})"
    )


def _answer(data: Mapping[str, Any]) -> bytes | AwsError:
    if not data["ok"]:
        return AwsError(data["error"]["Code"], data["error"]["Message"])
    body: bytes = data["output"]["Body"]
    return body
