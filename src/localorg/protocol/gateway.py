"""The one door: every call, from the wire or from an engine, is validated, authorised, logged and then handled.

Flow: ApiCall -> supported? -> validate against the model -> Access list -> authoriser -> handler -> output | AwsError, and a line
in the call log. Calls to borrowed services (S3 ...) take the same path, but are answered by an event (`submit`), because they
leave the engines' thread.
Rules: nobody reaches a handler around this door; engines call each other with `invoke` under a principal, as AWS services do.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from localorg.kernel.errors import AccessDenied, AwsError, NotSupported
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import Access, ApiCall, Operation, Output, Params, Principal, Request, Wait
from localorg.protocol.member_keys import member_keys
from localorg.protocol.request_tags import request_tags

IAM_PREFIXES = {
    "resourcegroupstaggingapi": "tag",
    "resource-groups": "resource-groups",
}
"""Services whose IAM action prefix is not their own name. AWS: Service Authorization Reference."""


class Authoriser(Protocol):
    """Decides; see `localorg.identity`."""

    def check(self, principal: Principal, region: str, access: Access) -> None:
        """Raise AccessDenied unless `principal` may do `access`."""
        ...


class Validator(Protocol):
    """Knows the models; see `localorg.protocol.models`."""

    def __call__(self, service: str, operation: str, params: Params) -> None:
        """Raise AwsError (ValidationException or the service's own) listing every problem of `params`."""
        ...


class BorrowedServices(Protocol):
    """Services that another library answers (S3 ...), after our authorisation."""

    def serves(self, service: str) -> bool:
        """Say whether `service` is borrowed."""
        ...

    def access(self, call: ApiCall) -> Sequence[Access]:
        """Return what the caller must be allowed."""
        ...

    def submit(self, call: ApiCall, reply: Event) -> None:
        """Perform the call and post `reply` with data extended by {"ok": True, "output": ...} or {"ok": False, "error": {...}}."""
        ...


@dataclass(frozen=True)
class CallRecord:
    """One line of `localorg logs`. verdict: `allowed`, `denied`, or the AWS error code."""

    time: float
    principal: str
    account: str
    region: str
    action: str
    resource: str
    verdict: str
    source: str
    message: str = ""


class Gateway:
    """Holds the operations of all services and lets calls through."""

    def __init__(
        self, kernel: Kernel, authoriser: Authoriser, validator: Validator, borrowed: BorrowedServices | None = None
    ) -> None:
        self.kernel = kernel
        self.authoriser = authoriser
        self.validator = validator
        self.borrowed = borrowed
        self.log: deque[CallRecord] = deque(maxlen=50_000)
        self.on_record: Callable[[CallRecord], None] = lambda _record: None
        self._operations: dict[tuple[str, str], Operation] = {}

    def add(self, operations: Iterable[Operation]) -> None:
        """Offer these operations; a second handler for the same one is a defect."""
        for operation in operations:
            key = (operation.service, operation.name)
            if key in self._operations:
                raise ValueError(f"{operation.service}:{operation.name} has two handlers")
            self._operations[key] = operation

    def operations(self) -> list[tuple[str, str]]:
        """Return (service, operation) of everything supported, sorted."""
        return sorted(self._operations)

    def invoke(self, call: ApiCall) -> Output:
        """Perform a call to one of our own services and return its output. Raises AwsError. `Wait` is answered at once."""
        try:
            return self.attempt(call)
        except Wait as nothing_yet:
            return nothing_yet.give_up()

    def attempt(self, call: ApiCall) -> Output:
        """Like `invoke`, but lets `Wait` through, for the server that can hold a request open."""
        accesses: Sequence[Access] = ()
        try:
            operation = self._find(call)
            self.validator(call.service, call.operation, call.params)
            request = self._request(call)
            accesses = operation.access(request) if operation.access else [self._usual(call)]
            for access in accesses:
                request.check(access)
            output = operation.handler(request)
        except AwsError as refusal:
            self._refused(call, accesses, refusal)
            raise
        self._record(call, accesses, "allowed")
        return output

    def submit(self, call: ApiCall, reply: Event) -> None:
        """Perform a call to any service; its outcome arrives as `reply`, extended by ok/output or ok/error{Code,Message}."""
        if self.borrowed is None or not self.borrowed.serves(call.service):
            self._answer(call, reply)
            return
        try:
            self.authorise_borrowed(call)
        except AwsError as refusal:
            self.kernel.post(replace(reply, data={**reply.data, **failure(refusal)}))
            return
        self.borrowed.submit(call, reply)

    def authorise_borrowed(self, call: ApiCall) -> Sequence[Access]:
        """Check a call to a borrowed service; the caller then forwards it. Raises AccessDenied."""
        if self.borrowed is None or not self.borrowed.serves(call.service):
            raise NotSupported(f"the service {call.service}")
        accesses: Sequence[Access] = ()
        try:
            accesses = self.borrowed.access(call)
            for access in accesses:
                self._check(call, access)
        except AwsError as refusal:
            self._refused(call, accesses, refusal)
            raise
        self._record(call, accesses, "allowed")
        return accesses

    def _answer(self, call: ApiCall, reply: Event) -> None:
        """Post the outcome; an engine has time, so a handler that has nothing yet is called again when there is something."""
        try:
            outcome: dict[str, object] = {"ok": True, "output": self.attempt(call)}
        except Wait as nothing_yet:
            self.kernel.wait_on(nothing_yet.topic, lambda: self._answer(call, reply))
            return
        except AwsError as refusal:
            outcome = failure(refusal)
        self.kernel.post(replace(reply, data={**reply.data, **outcome}))

    def _find(self, call: ApiCall) -> Operation:
        operation = self._operations.get((call.service, call.operation))
        if operation is None:
            raise NotSupported(f"the operation {call.service}:{call.operation}")
        return operation

    def _request(self, call: ApiCall) -> Request:
        return Request(
            principal=call.principal,
            account=call.principal.account,
            region=call.region,
            service=call.service,
            operation=call.operation,
            params=call.params,
            now=self.kernel.now(),
            check=lambda access: self._check(call, access),
        )

    def _check(self, call: ApiCall, access: Access) -> None:
        """Ask the authoriser, with what the request itself brings to the condition keys."""
        members = {**member_keys(access.action, call.params), **request_tags(access.action, call.params)}
        context = {**call.context, **members, **access.context}
        self.authoriser.check(call.principal, call.region, replace(access, context=context) if context else access)

    @staticmethod
    def _usual(call: ApiCall) -> Access:
        return Access(f"{IAM_PREFIXES.get(call.service, call.service)}:{call.operation}")

    def turned_away(self, call: ApiCall, refusal: AwsError) -> None:
        """Log a call from the wire that did not come as far as this door: whose signature does not hold, or that cannot be read."""
        if not refusal.is_logged:
            self._refused(call, (), refusal)

    def _refused(self, call: ApiCall, accesses: Sequence[Access], refusal: AwsError) -> None:
        refusal.is_logged = True
        self._record(call, accesses, "denied" if isinstance(refusal, AccessDenied) else refusal.code, refusal.message)

    def _record(self, call: ApiCall, accesses: Sequence[Access], verdict: str, message: str = "") -> None:
        first = accesses[0] if accesses else self._usual(call)
        record = CallRecord(
            time=self.kernel.now(),
            principal=call.principal.arn,
            account=call.principal.account,
            region=call.region,
            action=first.action,
            resource=first.resource,
            verdict=verdict,
            source=call.source,
            message=message,
        )
        self.log.append(record)
        self.on_record(record)


def failure(refusal: AwsError) -> dict[str, object]:
    """Return a refusal as the data of a reply event."""
    return {"ok": False, "error": {"Code": refusal.code, "Message": refusal.message}}
