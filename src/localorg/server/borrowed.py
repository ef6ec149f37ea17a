"""Services that moto answers, S3 above all: after our authorisation, as the account that owns the bucket, on one thread.

Flow, from the wire: raw request -> aws-chunked undone -> operation and parameters along botocore's model -> authorised (action, resource,
bucket owner, bucket policy) -> forwarded to moto -> what changed goes to the shelf -> answer.
Flow, from an engine: parameters -> the same HTTP request that boto3 would send -> moto -> reply event on the loop's thread.
Rules: moto sees only requests that our evaluator has let through, with the account that we have verified; it runs on one executor thread,
because it is not thread-safe; operations outside the table of `s3_access` and what moto lacks are refused by name.
Besides S3 a few services are borrowed as they are (LONG_TAIL): not verified against AWS, and forgotten when the server stops.
"""

import asyncio
import logging
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import orjson

from localorg.kernel.errors import AccessDenied, AwsError, NotSupported
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import Access, ApiCall, Params
from localorg.protocol.gateway import Gateway, failure
from localorg.protocol.http import WireRequest, WireResponse
from localorg.protocol.models import BORROWED_SERVICES
from localorg.protocol.parse import operation_of, parse
from localorg.protocol.request_keys import request_keys
from localorg.protocol.validate import validate
from localorg.server import moto_app, signature_v2
from localorg.server.chunked import decoded, verify_checksums, with_checksums
from localorg.server.long_tail import long_tail_access
from localorg.server.moto_client import from_response, narrowed, to_request
from localorg.server.s3_access import CREATES_OWNER, S3Access
from localorg.server.s3_uploads import LISTINGS
from localorg.server.shelf import Change, Shelf, StoredObject
from localorg.server.signature import Caller

XML_BODIES = frozenset(
    [
        "CreateBucket",
        "PutBucketTagging",
        "PutPublicAccessBlock",
        "PutBucketEncryption",
        "PutObjectTagging",
        "CompleteMultipartUpload",
        "DeleteObjects",
    ]
)
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


class BucketPolicies(Protocol):
    """Who reads bucket policies."""

    def kept(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document to keep. Raises AwsError when it is malformed."""
        ...

    def shown(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a kept document as its readers see it."""
        ...


Performed = tuple[WireResponse, Change | None]


class Borrowed:
    """moto behind our front; implements `gateway.BorrowedServices` and the front's `BorrowedFront`."""

    def __init__(
        self,
        kernel: Kernel,
        folder: Path,
        policies: BucketPolicies,
        on_loop: Callable[[Callable[[], None]], object],
        log: logging.Logger,
        thread: Executor | None = None,
    ) -> None:
        self._kernel = kernel
        self._policies = policies
        self._on_loop = on_loop
        self._log = log
        self._shelf = Shelf(kernel.store, folder)
        self._access = S3Access(kernel.settings.partition, self._shelf.facts)
        self._apps: dict[str, moto_app.WsgiApp] = {}
        self._thread = thread or ThreadPoolExecutor(max_workers=1, thread_name_prefix="borrowed")

    def start(self) -> None:
        """Load moto and put back what S3 held; blocks, call it before the first request."""
        self._shelf.sweep()
        for problem in self._thread.submit(lambda: list(self._shelf.replay(self._raw_s3))).result():
            self._log.error("S3 after a restart: %s", problem)

    def close(self) -> None:
        """Finish what is under way and let the thread go."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def serves(self, service: str) -> bool:
        """Say whether `service` is borrowed."""
        return service in BORROWED_SERVICES

    def access(self, call: ApiCall) -> Sequence[Access]:
        """Return what the caller must be allowed. Raises AwsError for what is not valid or not supported."""
        if call.source == "engine" or call.service != "s3":
            validate(call.service, call.operation, call.params)
        if call.service == "s3":
            return self._access.of(call.operation, call.params)
        return long_tail_access(self._kernel.settings.partition, call)

    def ensure_bucket(self, account: str, region: str, name: str) -> None:
        """Make a bucket unless it is there; for seeding, before the first request. Raises AwsError."""
        if self._shelf.facts(name)[0]:
            return
        constraint = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        params: Params = {"Bucket": name, **constraint}
        request = to_request("s3", "CreateBucket", params)
        target = moto_app.Target("s3", account, region)
        response, change = self._thread.submit(self._perform, target, "CreateBucket", params, request).result()
        from_response("s3", "CreateBucket", response)
        self._keep(change)

    async def forward(self, gateway: Gateway, service: str, region: str, caller: Caller, request: WireRequest) -> WireResponse:
        """Authorise and perform a raw request from the wire. Raises AwsError."""
        plain = signature_v2.plain(decoded(request, caller)) if service == "s3" else request
        operation = operation_of(service, plain)
        if service == "s3":
            plain = narrowed(operation, plain)
        params = _s3_params(operation, plain) if service == "s3" else parse(service, operation, plain)
        call = ApiCall(caller.principal, region, service, operation, params, source="wire", context=request_keys(request))
        try:
            gateway.authorise_borrowed(call)
        except AccessDenied:
            if operation != "HeadBucket" or not (home := self._shelf.region(params["Bucket"])):
                raise
            # AWS: the Region of a bucket is told to those too who may not see it; SSM Agent relies on that.
            return WireResponse(403, {"x-amz-bucket-region": home})
        self._examine(call, plain)
        if service == "s3":
            verify_checksums(operation, plain)
            if operation in LISTINGS and self._shelf.facts(params["Bucket"])[0]:
                return self._shelf.uploads.listing(operation, params)
            plain = self._shelf.uploads.for_moto(operation, params, plain)
        loop = asyncio.get_running_loop()
        response, change = await loop.run_in_executor(self._thread, self._perform, self._target(call), operation, params, plain)
        self._after(call, plain, response, change)
        self._hide_missing(gateway, call, response)
        return self._told(call, response)

    def submit(self, call: ApiCall, reply: Event) -> None:
        """Perform an engine's call, already authorised, and post `reply` with its outcome."""
        self._kernel.outside += 1
        try:
            request = to_request(call.service, call.operation, call.params)
            self._examine(call, request)
            if call.service == "s3":
                request = self._shelf.uploads.for_moto(call.operation, call.params, request)
        except AwsError as refusal:
            self._reply(reply, failure(refusal))
            return
        work = self._thread.submit(self._perform, self._target(call), call.operation, call.params, request)
        work.add_done_callback(lambda done: self._on_loop(lambda: self._finish(call, request, reply, done)))

    def _finish(self, call: ApiCall, request: WireRequest, reply: Event, done: "Future[Performed]") -> None:
        """On the loop's thread: keep what changed and post the outcome."""
        defect = done.exception()
        if defect is not None and not isinstance(defect, AwsError):
            self._log.error("%s:%s failed", call.service, call.operation, exc_info=defect)
            refusal = AwsError(
                "InternalError", f"localorg failed in {call.service}:{call.operation}; its log has the reason", 500
            )
            self._reply(reply, failure(refusal))
            return
        try:
            response, change = done.result()
            self._after(call, request, response, change)
            outcome: dict[str, object] = {
                "ok": True,
                "output": from_response(call.service, call.operation, self._told(call, response)),
            }
        except AwsError as refusal:
            outcome = failure(refusal)
        self._reply(reply, outcome)

    def _reply(self, reply: Event, outcome: dict[str, object]) -> None:
        self._kernel.outside -= 1
        self._kernel.post(replace(reply, data={**reply.data, **outcome}))

    def _target(self, call: ApiCall) -> moto_app.Target:
        # Whoever makes a bucket makes it for itself: a name that another account has must be refused, not found there.
        owned = call.service == "s3" and call.operation != CREATES_OWNER
        owner = self._shelf.facts(str(call.params.get("Bucket", "")))[0] if owned else ""
        return moto_app.Target(call.service, owner or call.principal.account, call.region)

    def _examine(self, call: ApiCall, request: WireRequest) -> None:
        """Refuse a bucket policy that the evaluator would not understand, before anyone keeps it."""
        if (call.service, call.operation) == ("s3", "PutBucketPolicy"):
            try:
                self._policies.kept(_policy(request.body))
            except AwsError as refusal:
                # AWS: S3 error responses, MalformedPolicy; IAM's name for the same is MalformedPolicyDocument.
                code = "MalformedPolicy" if refusal.code == "MalformedPolicyDocument" else refusal.code
                raise AwsError(code, refusal.message, refusal.status) from refusal

    def _perform(self, target: moto_app.Target, operation: str, params: Params, request: WireRequest) -> Performed:
        """On moto's thread."""
        response = moto_app.call(self._app(target.service), target, request)
        if (
            response.status in {404, 501}
            and b"<Code>" not in response.body
            and target.service == "s3"
            and request.method != "HEAD"
        ):
            raise NotSupported(f"the operation {target.service}:{operation} (moto lacks it)")
        if response.status == 501:
            raise NotSupported(f"the operation {target.service}:{operation} (moto lacks it)")
        if response.status >= 500 and operation in XML_BODIES:
            # ASSUMED: what moto trips over where it was given a document is the document.
            raise AwsError("MalformedXML", MALFORMED)
        if response.status >= 500:
            raise AwsError(
                "InternalServerError", f"moto failed in {target.service}:{operation}; the server's log has the reason", 500
            )
        if target.service != "s3" or response.status >= 300 or request.method in {"GET", "HEAD"}:
            return response, None
        objects = self._shelf.write(operation, params, request, response, lambda bucket, key: self._fetch(target, bucket, key))
        change = _change(target, operation, params, request, objects)
        change.uploads = self._shelf.write_upload(target, operation, params, request, response)
        return with_checksums(operation, request, response), change

    def _fetch(self, target: moto_app.Target, bucket: str, key: str) -> WireResponse:
        return moto_app.call(self._app("s3"), target, to_request("s3", "GetObject", {"Bucket": bucket, "Key": key}))

    def _raw_s3(self, account: str, region: str, request: WireRequest) -> WireResponse:
        return moto_app.call(self._app("s3"), moto_app.Target("s3", account, region), request)

    def _app(self, service: str) -> moto_app.WsgiApp:
        if service not in self._apps:
            self._apps[service] = moto_app.make_app(service, self._log)
        return self._apps[service]

    def _after(self, call: ApiCall, request: WireRequest, response: WireResponse, change: Change | None) -> None:
        if change is None or response.status >= 300:
            return
        match call.operation:
            case "PutBucketPolicy":
                self._shelf.set_policy(change.bucket, self._policies.kept(_policy(request.body)))
            case "DeleteBucketPolicy":
                self._shelf.set_policy(change.bucket, None)
            case "PutObjectTagging":
                self._shelf.tag(change.bucket, call.params["Key"], request.body.decode("utf-8"))
            case "DeleteObjectTagging":
                self._shelf.tag(change.bucket, call.params["Key"], "")
            case _:
                pass
        self._keep(change, call.principal.arn)

    def _told(self, call: ApiCall, response: WireResponse) -> WireResponse:
        """Return the answer, in which a bucket's policy names its principals by their ARNs of today."""
        if (call.service, call.operation) == ("s3", "HeadObject") and response.status < 300:
            return self._shelf.with_part_count(call.params, response)
        is_policy = (call.service, call.operation) == ("s3", "GetBucketPolicy") and response.status < 300
        policy = self._shelf.facts(call.params["Bucket"])[1] if is_policy else None
        if policy is None:
            return response
        headers = {name: value for name, value in response.headers.items() if name.lower() != "content-length"}
        return WireResponse(response.status, headers, orjson.dumps(self._policies.shown(policy)))

    def _keep(self, change: Change | None, by: str = "") -> None:
        if change is not None:
            self._shelf.apply(change, by, self._kernel.now())
            self._kernel.step()  # which commits: rows never reach the file without what calls posted beside them
            self._shelf.collect()

    def _hide_missing(self, gateway: Gateway, call: ApiCall, response: WireResponse) -> None:
        """AWS: GetObject and HeadObject API reference: a missing key is 404 only for who may list the bucket, else 403."""
        if (
            response.status == 404
            and call.operation in {"GetObject", "HeadObject"}
            and self._shelf.facts(call.params["Bucket"])[0]
        ):
            try:
                gateway.authoriser.check(call.principal, call.region, self._access.may_list(call.params["Bucket"]))
            except AccessDenied:
                raise AccessDenied("Access Denied") from None


def _change(
    target: moto_app.Target, operation: str, params: Params, request: WireRequest, objects: dict[str, StoredObject | None]
) -> Change:
    body = "" if params.get("Key") else request.body.decode("utf-8", "replace")
    return Change(operation, str(params.get("Bucket", "")), target.account, target.region, objects, body)


def _policy(body: bytes) -> dict[str, Any]:
    try:
        policy = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise AwsError("MalformedPolicy", f"This policy contains invalid Json: {error}") from error
    if not isinstance(policy, dict):
        raise AwsError("MalformedPolicy", "Policies must be a JSON object")
    return policy


def _s3_params(operation: str, request: WireRequest) -> Params:
    params = parse("s3", operation, request)
    if operation == "DeleteObjects":
        params["Delete"] = {"Objects": [{"Key": key} for key in _deleted_keys(request.body)]}
    return params


def _deleted_keys(body: bytes) -> list[str]:
    if b"<!" in body:
        raise AwsError("MalformedXML", MALFORMED)
    try:
        root = ET.fromstring(body)  # noqa: S314 - documents with declarations (entities) are refused above
    except ET.ParseError as error:
        raise AwsError("MalformedXML", f"The XML you provided was not well-formed: {error}") from error
    if any(element.tag.endswith("VersionId") for element in root.iter()):
        raise NotSupported("object versions (VersionId)", "s3:DeleteObjects")
    return [element.text or "" for element in root.iter() if element.tag.endswith("}Key") or element.tag == "Key"]
