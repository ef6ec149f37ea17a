"""Automation among neighbours that are real classes: a shelf of documents, an STS that hands out sessions, an organization, and a
script worker that runs Python in this process. Virtual time; requests are validated as on the wire."""

import json
from typing import Any

from support import AllowAll

from localorg.automation.service import Automation
from localorg.kernel.clock import VirtualClock
from localorg.kernel.errors import AccessDenied, AwsError
from localorg.kernel.events import Event, Kernel
from localorg.kernel.settings import Settings
from localorg.kernel.store import Store
from localorg.protocol.calls import Access, ApiCall, Operation, Output, Principal, Request, ScriptJob
from localorg.protocol.gateway import Gateway
from localorg.protocol.validate import validate

HUB, REGION = "111111111111", "us-east-1"
ADMIN = Principal("user", HUB, f"arn:aws:iam::{HUB}:user/admin")


class Scripts:
    """A script worker without a process: scripts run at once, or are kept until `release`."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.jobs: list[ScriptJob] = []
        self.stopped: list[dict[str, Any]] = []
        self.hold = False

    def start(self, job: ScriptJob) -> None:
        self.jobs.append(job)
        if not self.hold:
            self.release(job)

    def release(self, job: ScriptJob) -> None:
        names: dict[str, Any] = {}
        try:
            exec(job.script, names)
            result = {"ok": True, "payload": names[job.handler](job.payload, {}), "log": ""}
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a script raises is its result
            kind = type(error).__name__
            text = f"{kind}: {error}\nTraceback (most recent call last):\n  File x, line 1"
            result = {"ok": False, "error": text, "error_type": kind, "log": "", "timed_out": False}
        self.kernel.post(Event(job.reply.engine, job.reply.name, {**job.reply.data, **result}))

    def stop(self, reply: Event) -> None:
        self.stopped.append(reply.data)


class Neighbours:
    """Documents, STS, Organizations and Run Command as other engines would serve them, reduced to what automations ask."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.documents: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.kinds: dict[str, str] = {}
        self.shared: set[tuple[str, str, str]] = set()
        self.children: dict[str, tuple[list[str], list[str]]] = {}
        self.missing_roles: set[str] = set()
        self.sessions: dict[str, Principal] = {}
        self.assumed: list[tuple[str, str]] = []
        self.commands: dict[str, str] = {}
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.session_s = 3600.0
        self.target_types: dict[str, str] = {}
        self.nodes: dict[tuple[str, str], list[str]] = {}
        self.tagged: dict[str, dict[str, str]] = {}
        self.groups: dict[tuple[str, str, str], list[str]] = {}
        self.looked: list[tuple[str, str, dict[str, Any]]] = []
        self.node_facts: dict[str, dict[str, str]] = {}
        self.attachments: dict[str, bytes] = {}
        self.stored: dict[str, tuple[str, str]] = {}

    def operations(self) -> list[Operation]:
        return [
            Operation("ssm", "GetDocument", self.get_document),
            Operation("ssm", "DescribeDocument", self.describe_document),
            Operation("ssm", "DescribeInstanceInformation", self.describe_nodes),
            Operation("resourcegroupstaggingapi", "GetResources", self.get_resources),
            Operation("resource-groups", "ListGroupResources", self.list_group),
            Operation("ssm", "GetParameters", self.get_parameters),
            Operation("sts", "AssumeRole", self.assume_role),
            Operation("sts", "GetCallerIdentity", self.identity),
            Operation("organizations", "ListAccountsForParent", self.accounts),
            Operation("organizations", "ListOrganizationalUnitsForParent", self.units),
            Operation("ssm", "SendCommand", self.send_command),
            Operation("ssm", "ListCommands", self.list_commands),
            Operation("ssm", "ListCommandInvocations", self.list_invocations),
            Operation("ssm", "CancelCommand", self.cancel_command),
            Operation("ssm", "GetCommandInvocation", self.get_invocation),
        ]

    def get_document(self, request: Request) -> Output:
        name, owner = request.params["Name"], request.account
        if name.startswith("arn:"):
            owner, name = name.split(":")[4], name.split("/")[1]
        is_visible = owner == request.account or (owner, request.region, name) in self.shared
        content = self.documents.get((owner, request.region, name)) if is_visible else None
        if content is None:
            raise AwsError("InvalidDocument", f"Document with name {request.params['Name']} does not exist.")
        kind = self.kinds.get(name, "Automation")
        text = json.dumps(content)
        found = {"Name": name, "DocumentVersion": "1", "DocumentType": kind, "DocumentFormat": "JSON", "Content": text}
        attached = [{"Name": file, "Url": file} for file in self.attachments]
        return {**found, "AttachmentsContent": attached} if attached else found

    def get_parameters(self, request: Request) -> Output:
        names = request.params["Names"]
        found = [
            {"Name": name, "Type": self.stored[name][0], "Value": self.stored[name][1]} for name in names if name in self.stored
        ]
        return {"Parameters": found, "InvalidParameters": [name for name in names if name not in self.stored]}

    def describe_document(self, request: Request) -> Output:
        name = request.params["Name"].rpartition("/")[2]
        kind = self.target_types.get(name)
        return {"Document": {"Name": name, **({"TargetType": kind} if kind else {})}}

    def describe_nodes(self, request: Request) -> Output:
        self.looked.append((request.principal.arn, request.operation, request.params))
        nodes = self.nodes.get((request.account, request.region), [])
        start = int(request.params.get("NextToken", "0"))
        more = {"NextToken": str(start + 10)} if start + 10 < len(nodes) else {}
        listed = [{"InstanceId": node, **self.node_facts.get(node, {})} for node in nodes[start : start + 10]]
        return {"InstanceInformationList": listed, **more}

    def get_resources(self, request: Request) -> Output:
        self.looked.append((request.principal.arn, request.operation, request.params))
        wanted = request.params["TagFilters"][0]
        kinds = request.params.get("ResourceTypeFilters")
        found = [
            arn
            for arn, tags in self.tagged.items()
            if arn.split(":")[3:5] == [request.region, request.account]
            and wanted["Key"] in tags
            and (not wanted.get("Values") or tags[wanted["Key"]] in wanted["Values"])
            and (not kinds or f"{arn.split(':')[2]}:{arn.split(':')[5].split('/')[0]}" in kinds)
        ]
        return {"PaginationToken": "", "ResourceTagMappingList": [{"ResourceARN": arn} for arn in found]}

    def list_group(self, request: Request) -> Output:
        self.looked.append((request.principal.arn, request.operation, request.params))
        found = self.groups.get((request.account, request.region, request.params["GroupName"]))
        if found is None:
            raise AwsError("NotFoundException", f"Cannot find group {request.params['GroupName']}")
        return {"ResourceIdentifiers": [{"ResourceArn": arn, "ResourceType": "AWS::EC2::Instance"} for arn in found]}

    def assume_role(self, request: Request) -> Output:
        role = request.params["RoleArn"]
        if role in self.missing_roles:
            action = f"User: {request.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {role}"
            raise AccessDenied(action)
        self.assumed.append((request.principal.arn, role))
        account, name = role.split(":")[4], role.split("/")[-1]
        key = f"ASIA{len(self.sessions):012d}"
        arn = f"arn:aws:sts::{account}:assumed-role/{name}/{request.params['RoleSessionName']}"
        self.sessions[key] = Principal("role", account, arn, role_arn=role, access_key=key)
        credentials = {
            "AccessKeyId": key,
            "SecretAccessKey": "s" * 40,
            "SessionToken": "t",
            "Expiration": request.now + self.session_s,
        }
        return {"Credentials": credentials}

    def identity(self, request: Request) -> Output:
        return {"Account": request.account, "Arn": request.principal.arn, "UserId": "x"}

    def accounts(self, request: Request) -> Output:
        found = self.children.get(request.params["ParentId"])
        if found is None:
            raise AwsError("ParentNotFoundException", "You specified parent that doesn't exist.")
        return {"Accounts": [{"Id": account, "State": "ACTIVE"} for account in found[0]]}

    def units(self, request: Request) -> Output:
        return {"OrganizationalUnits": [{"Id": unit} for unit in self.children[request.params["ParentId"]][1]]}

    def send_command(self, request: Request) -> Output:
        self.sent.append((request.principal.arn, request.params))
        command_id = f"{len(self.commands):08d}-0000-4000-8000-000000000000"
        self.commands[command_id] = "InProgress"
        return {"Command": {"CommandId": command_id, "Status": "Pending", "RequestedDateTime": request.now}}

    def list_commands(self, request: Request) -> Output:
        command_id = request.params["CommandId"]
        return {"Commands": [{"CommandId": command_id, "Status": self.commands[command_id], "RequestedDateTime": request.now}]}

    def list_invocations(self, request: Request) -> Output:
        status = self.commands[request.params["CommandId"]]
        plugin = {
            "Name": "configurePackage",
            "Status": status,
            "ResponseCode": 0 if status == "Success" else 9,
            "Output": "out\nnode-token-42",
        }
        one = {"InstanceId": "i-00000000000000001", "Status": status, "StatusDetails": status, "CommandPlugins": [plugin]}
        return {"CommandInvocations": [one]}

    def get_invocation(self, request: Request) -> Output:
        return {"StandardErrorContent": "node-token-42\n", "StandardOutputContent": ""}

    def cancel_command(self, request: Request) -> Output:
        self.commands[request.params["CommandId"]] = "Cancelled"
        return {}

    def end_command(self, command_id: str, status: str) -> None:
        self.commands[command_id] = status
        data = {"account": HUB, "region": REGION, "command_id": command_id, "status": status}
        self.kernel.publish("command.status-change", data)


class Files:
    """Presigned URLs as a dict of contents; what is not there is refused like an object that is not there."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.contents: dict[str, bytes] = {}

    def fetch(self, url: str, bytes_max: int, reply: Event) -> None:
        if "forged" in url:
            raise AwsError("SignatureDoesNotMatch", "The request signature we calculated does not match.")
        body = self.contents.get(url)
        error = {"Code": "NoSuchKey", "Message": "The specified key does not exist."}
        outcome = {"ok": False, "error": error} if body is None else {"ok": True, "output": {"Body": body[: bytes_max + 1]}}
        self.kernel.post(Event(reply.engine, reply.name, {**reply.data, **outcome}))


class Harness:
    """Everything together, and a story's verbs."""

    def __init__(
        self, authoriser: Any = None, store: Store | None = None, scripts: type[Scripts] = Scripts, **settings: Any
    ) -> None:
        self.store = store or Store()
        self.kernel = Kernel(self.store, VirtualClock(), Settings(**{"regions": ("us-east-1", "eu-west-1"), **settings}))
        self.gateway = Gateway(self.kernel, authoriser or AllowAll(), validate)
        self.near = Neighbours(self.kernel)
        self.scripts = scripts(self.kernel)
        self.files = Files(self.kernel)
        self.automation = Automation(
            *(self.kernel, self.gateway, lambda key: self.near.sessions[key], self.scripts, self.files),
            lambda url: self.near.attachments[url],
        )
        self.gateway.add(self.near.operations())
        self.gateway.add(self.automation.operations())
        self.facts: list[dict[str, Any]] = []
        self.kernel.on("listener", lambda event: self.facts.append(event.data))
        self.kernel.subscribe("automation.status-change", "listener")

    def document(self, content: dict[str, Any], name: str = "Runbook", account: str = HUB, region: str = REGION) -> None:
        self.near.documents[account, region, name] = content

    def call(self, operation: str, principal: Principal = ADMIN, region: str = REGION, **params: Any) -> Output:
        return self.gateway.invoke(ApiCall(principal, region, "ssm", operation, params, source="wire"))

    def start(self, content: dict[str, Any] | None = None, name: str = "Runbook", **params: Any) -> str:
        if content is not None:
            self.document(content, name)
        return self.call("StartAutomationExecution", DocumentName=name, **params)["AutomationExecutionId"]

    def run(self, content: dict[str, Any], seconds: float = 86_400.0, **params: Any) -> Output:
        """Start, let time pass, and return the execution."""
        execution_id = self.start(content, **params)
        self.pass_time(seconds)
        return self.execution(execution_id)

    def pass_time(self, seconds: float = 0.0) -> None:
        self.kernel.run_until(self.kernel.now() + seconds)
        assert self.kernel.faults == []

    def execution(self, execution_id: str, principal: Principal = ADMIN, region: str = REGION) -> Output:
        return self.call("GetAutomationExecution", principal, region, AutomationExecutionId=execution_id)["AutomationExecution"]

    def account_admin(self, account: str) -> Principal:
        return Principal("user", account, f"arn:aws:iam::{account}:user/admin")


class Deny:
    """An authoriser that refuses chosen (action, resource part) pairs and remembers everything it was asked."""

    def __init__(self, *refused: tuple[str, str]) -> None:
        self.refused = refused
        self.asked: list[Access] = []

    def check(self, principal: Principal, region: str, access: Access) -> None:
        self.asked.append(access)
        for action, resource in self.refused:
            if access.action == action and resource in access.resource:
                raise AccessDenied(f"User: {principal.arn} is not authorized to perform: {action} on resource: {access.resource}")


def step(name: str, action: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "action": action, "inputs": inputs or {}, **more}


def script(name: str, body: str, payload: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An executeScript step; `body` are the lines of its handler."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    inputs = {"Runtime": "python3.11", "Handler": "handler", "Script": f"def handler(events, context):\n{lines}\n"}
    return step(name, "aws:executeScript", {**inputs, "InputPayload": payload or {}}, **more)


def book(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"schemaVersion": "0.3", "mainSteps": list(steps), **more}


def output(name: str, selector: str, kind: str = "String") -> dict[str, str]:
    return {"Name": name, "Selector": selector, "Type": kind}


def statuses(execution: Output) -> dict[str, str]:
    return {one["StepName"]: one["StepStatus"] for one in execution["StepExecutions"]}
