"""Runs the programs of resources: performs what they ask for and feeds them the answers, over restarts too.

Flow: `advance(stack, key)` replays the program with the answers kept -> the next question -> gateway.submit | alarm -> `answered`
keeps the answer -> `advance` ... -> Finished | Failed.
Rules: a program that is replayed must not be asked twice for the same thing: answers carry the number of their question.
"""

import json
from dataclasses import dataclass
from typing import Any

from localorg.kernel import ids
from localorg.kernel.errors import AwsError
from localorg.kernel.events import Event, Kernel
from localorg.protocol.calls import ApiCall
from localorg.protocol.gateway import Gateway
from localorg.stacks.fitting import fitted
from localorg.stacks.records import OperationRecord, Reply, StackRecord, WorkRecord
from localorg.stacks.resources.kinds import Ask, Made, Pause, Plain, ResourceType, Steps, Work

ENGINE = "stacks"
SERVICE_NAMES = {"iam": "Iam", "ssm": "Ssm", "cloudformation": "CloudFormation", "s3": "S3"}
HANDLER_CODES = (
    ("AccessDenied", "AccessDenied"),
    ("AlreadyExists", "AlreadyExists"),
    ("AlreadyOwnedByYou", "AlreadyExists"),
    ("NoSuch", "NotFound"),
    ("NotFound", "NotFound"),
    ("DoesNotExist", "NotFound"),
    ("Conflict", "ResourceConflict"),
    ("LimitExceeded", "ServiceLimitExceeded"),
)
"""AWS: CloudFormation CLI user guide, "Handler error codes"; the map from service errors is # ASSUMED."""


@dataclass(frozen=True)
class Finished:
    """The program came to its end."""

    physical_id: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """The program was refused something that it could not do without."""

    reason: str


class Cancelled(Exception):
    """The program would wait on, and its operation was cut short."""


Outcome = Finished | Failed | None
"""None: it waits for an answer."""


class Running:
    """Drives programs one question at a time."""

    def __init__(self, kernel: Kernel, gateway: Gateway, types: dict[str, ResourceType]) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._types = types

    def token(self) -> str:
        """Return twelve upper-case letters and digits for generated names."""
        return ids.upper_id(self._kernel.dice, "", 12)

    def answered(self, work: WorkRecord, turn: int, data: dict[str, Any]) -> bool:
        """Keep an answer. Returns False when it answers a question of the past."""
        if turn != len(work.replies):
            return False
        if data.get("ok", True):
            # Answers are kept as JSON, so that the program sees the same ones after a restart.
            work.replies.append(Reply(json.loads(json.dumps(data.get("output") or {}, default=str))))
        else:
            error = data["error"]
            work.replies.append(Reply(code=error["Code"], message=error["Message"]))
        return True

    def advance(self, stack: StackRecord, key: str, work: WorkRecord) -> Outcome | Made:
        """Take the program to its next question, or to its end. Returns Made the first time that the resource exists."""
        program = self._program(stack, work)
        replies = iter(work.replies)
        asked: Ask | None = None
        try:
            effect = next(program)
            while True:
                if isinstance(effect, Made):
                    if work.resource.physical_id != effect.physical_id:
                        return effect
                    effect = next(program)
                    continue
                asked = effect if isinstance(effect, Ask) else None
                reply = next(replies, None)
                if reply is None:
                    self._perform(stack, key, work, effect)
                    return None
                effect = program.throw(_raised(reply)) if reply.code else program.send(reply.output)
        except StopIteration as end:
            return Finished(end.value.physical_id or work.resource.physical_id, end.value.attributes)
        except Cancelled:
            verb = "update" if work.action == "update" or work.replaces else "creation"
            return Failed(f"Resource {verb} cancelled")
        except Plain as failure:
            return Failed(failure.message)
        except AwsError as refusal:
            return Failed(handler_reason(asked.service if asked else "cloudformation", refusal, work.token))

    def _program(self, stack: StackRecord, work: WorkRecord) -> Steps:
        kind = self._types[work.resource.type]
        program = {"create": kind.create, "update": kind.update, "delete": kind.delete}[work.action]
        # A new resource has no id until its program says so, also when the program is replayed.
        physical_id = "" if work.action == "create" else work.resource.physical_id
        return program(
            Work(
                work.resource.logical_id,
                work.resource.properties,
                work.before,
                physical_id,
                stack.name,
                stack.account,
                stack.region,
                self._kernel.settings.partition,
                work.token,
                work.resource.attributes,
                tuple(stack.capabilities),
                operation_of(stack).phase == "undo",
            )
        )

    def _perform(self, stack: StackRecord, key: str, work: WorkRecord, effect: Ask | Pause | Made) -> None:
        reply = Event(ENGINE, "reply", {"stack": stack.stack_id, "work": key, "token": work.token, "turn": len(work.replies)})
        match effect:
            case Ask(service, operation, params):
                call = ApiCall(
                    operation_of(stack).principal, stack.region, service, operation, fitted(service, operation, params)
                )
                self._gateway.submit(call, reply)
            case Pause(seconds):
                under_way = operation_of(stack)
                if under_way.cancelled and under_way.phase == "forward":
                    raise Cancelled
                self._kernel.after(seconds, reply)


def operation_of(stack: StackRecord) -> OperationRecord:
    """Return the operation in flight. Work without one is a defect of localorg."""
    if stack.operation is None:
        raise RuntimeError(f"{stack.stack_id} has work but no operation")
    return stack.operation


def _raised(reply: Reply) -> AwsError:
    return AwsError(reply.code, reply.message, reply.status)


def handler_reason(service: str, refusal: AwsError, token: str) -> str:
    """Return the sentence that CloudFormation puts around a service's refusal."""
    handler = next((name for part, name in HANDLER_CODES if part in refusal.code), "InvalidRequest")
    where = f"(Service: {SERVICE_NAMES.get(service, service)}, Status Code: {refusal.status}, Error Code: {refusal.code})"
    return f'Resource handler returned message: "{refusal.message} {where}" (RequestToken: {token}, HandlerErrorCode: {handler})'
