"""A small AWS for the step scripts: classes with boto3's method names that hold real state.

Every call's parameters are validated against botocore's own service model, so a script cannot send what AWS would not parse.
Each fake explains itself: `World.calls` lists what was asked, of whom, in which Region.
"""

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

_LOADER = botocore.session.get_session()
_MODELS: dict[str, Any] = {}


def refusal(code: str, operation: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message or code}}, operation)


class Errors:
    """`client.exceptions`: one class per code, all of them ClientErrors."""

    def __init__(self) -> None:
        self._classes: dict[str, type[ClientError]] = {}

    def __getattr__(self, code: str) -> type[ClientError]:
        return self._classes.setdefault(code, type(code, (ClientError,), {}))

    def make(self, code: str, operation: str, message: str = "") -> ClientError:
        return getattr(self, code)({"Error": {"Code": code, "Message": message or code}}, operation)


@dataclass
class Version:
    number: str
    name: str
    content: str
    created: datetime
    status: str = "Active"
    reason: str = ""
    attached: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Document:
    kind: str
    versions: list[Version]
    default: str = "1"
    shared: dict[str, str] = field(default_factory=dict)


@dataclass
class World:
    """Accounts, objects, documents and runs; `client` stands in for boto3.client."""

    now: datetime = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    management: str = "111111111111"
    units: dict[str, list[str]] = field(default_factory=dict)  # OU -> child OU ids
    accounts: dict[str, tuple[str, str]] = field(default_factory=dict)  # id -> (parent, state)
    objects: dict[str, str] = field(default_factory=dict)  # bucket/key -> text
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)  # (region, name)
    created_as: str = "Active"
    refuse: dict[str, str] = field(default_factory=dict)  # operation -> code
    nodes: dict[str, list[str]] = field(default_factory=dict)  # region -> ids
    invocations: list[dict[str, Any]] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    outputs: dict[str, tuple[str, str]] = field(default_factory=dict)  # node -> stdout, stderr
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)
    state_key: str = "State"
    star_refused: bool = False  # by SendCommand, as the target InstanceIds=*
    gone: set[str] = field(default_factory=set)  # nodes that SendCommand refuses
    listed_late: bool = False  # the first list of nodes still has those that are gone
    pings: dict[str, str] = field(default_factory=dict)  # node -> PingStatus, if not Online
    all_versions_compared: bool = False  # when a document is updated
    parameters: dict[str, list[str]] = field(default_factory=dict)  # name -> every value that it had

    def client(self, service: str, **options: Any) -> Any:
        region = options.get("region_name", "")
        assert region, "a script must say which Region it means"
        kinds = {"ssm": FakeSsm, "s3": FakeS3, "organizations": FakeOrganizations, "sts": FakeSts}
        return kinds[service](self, region, options)

    def count(self, operation: str) -> int:
        return sum(call[2] == operation for call in self.calls)


class _Fake:
    service = ""

    def __init__(self, world: World, region: str, options: dict[str, Any]) -> None:
        self.world, self.region, self.options = world, region, options
        self.exceptions = Errors()

    def _asked(self, operation: str, params: dict[str, Any]) -> None:
        model = _MODELS.setdefault(self.service, _LOADER.get_service_model(self.service))
        shape = model.operation_model(operation).input_shape
        if shape is not None:
            report = ParamValidator().validate(params, shape)
            assert not report.has_errors(), report.generate_report()
        self.world.calls.append((self.service, self.region, operation, params))
        code = self.world.refuse.get(operation)
        if code:
            raise self.exceptions.make(code, operation)

    def get_paginator(self, name: str) -> "Pages":
        return Pages(self.pages[name])

    @property
    def pages(self) -> dict[str, Any]:
        return {}


class Pages:
    """One item a page, to prove that pages are read to the end."""

    def __init__(self, whole: Any) -> None:
        self._whole = whole

    def paginate(self, **params: Any) -> Any:
        key, items = self._whole(**params)
        yield {key: []}
        for item in items:
            yield {key: [item]}


class FakeOrganizations(_Fake):
    service = "organizations"

    def describe_organization(self) -> Any:
        self._asked("DescribeOrganization", {})
        return {"Organization": {"MasterAccountId": self.world.management}}

    def describe_account(self, **params: Any) -> Any:
        self._asked("DescribeAccount", params)
        account = params["AccountId"]
        if account not in self.world.accounts:
            raise self.exceptions.make("AccountNotFoundException", "DescribeAccount")
        return {"Account": self._account(account)}

    def _account(self, account: str) -> dict[str, str]:
        return {"Id": account, self.world.state_key: self.world.accounts[account][1]}

    @property
    def pages(self) -> dict[str, Any]:
        return {"list_accounts_for_parent": self._children, "list_organizational_units_for_parent": self._units}

    def _children(self, **params: Any) -> Any:
        self._asked("ListAccountsForParent", params)
        units = {unit for parent, children in self.world.units.items() for unit in (parent, *children)}
        units |= {parent for parent, _ in self.world.accounts.values()}
        if params["ParentId"] not in units:
            raise self.exceptions.make("ParentNotFoundException", "ListAccountsForParent")
        return "Accounts", [self._account(a) for a, (parent, _) in self.world.accounts.items() if parent == params["ParentId"]]

    def _units(self, **params: Any) -> Any:
        self._asked("ListOrganizationalUnitsForParent", params)
        return "OrganizationalUnits", [{"Id": unit} for unit in self.world.units.get(params["ParentId"], [])]


class FakeS3(_Fake):
    service = "s3"

    def get_object(self, **params: Any) -> Any:
        self._asked("GetObject", params)
        text = self.world.objects.get(f"{params['Bucket']}/{params['Key']}")
        if text is None:
            raise self.exceptions.make("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(text.encode())}


class FakeSts(_Fake):
    service = "sts"

    def assume_role(self, **params: Any) -> Any:
        self._asked("AssumeRole", params)
        return {"Credentials": {"AccessKeyId": params["RoleArn"], "SecretAccessKey": "s", "SessionToken": "t"}}


class FakeSsm(_Fake):
    service = "ssm"

    def _document(self, name: str, operation: str) -> Document:
        found = self.world.documents.get((self.region, name))
        if found is None:
            raise self.exceptions.make("InvalidDocument", operation)
        return found

    def _version(self, params: dict[str, Any], operation: str) -> tuple[Document, Version]:
        document = self._document(params["Name"], operation)
        number = params.get("DocumentVersion", document.default)
        if "VersionName" in params:
            return document, next(v for v in document.versions if v.name == params["VersionName"])
        if number == "$LATEST":
            return document, document.versions[-1]
        return document, next(v for v in document.versions if v.number == number)

    def create_document(self, **params: Any) -> Any:
        self._asked("CreateDocument", params)
        key = (self.region, params["Name"])
        if key in self.world.documents:
            raise self.exceptions.make("DocumentAlreadyExists", "CreateDocument")
        first = Version("1", params.get("VersionName", ""), params["Content"], self.world.now, self.world.created_as)
        self.world.documents[key] = Document(params["DocumentType"], [first])
        return {}

    def update_document(self, **params: Any) -> Any:
        self._asked("UpdateDocument", params)
        document = self._document(params["Name"], "UpdateDocument")
        compared = document.versions if self.world.all_versions_compared else document.versions[-1:]
        if any(version.content == params["Content"] for version in compared):
            raise self.exceptions.make("DuplicateDocumentContent", "UpdateDocument")
        number = str(len(document.versions) + 1)
        document.versions.append(
            Version(number, params.get("VersionName", ""), params["Content"], self.world.now, self.world.created_as)
        )
        return {"DocumentDescription": {"DocumentVersion": number}}

    def update_document_default_version(self, **params: Any) -> Any:
        self._asked("UpdateDocumentDefaultVersion", params)
        self._document(params["Name"], "UpdateDocumentDefaultVersion").default = params["DocumentVersion"]

    def get_document(self, **params: Any) -> Any:
        self._asked("GetDocument", params)
        document, version = self._version(params, "GetDocument")
        answer = {"Content": version.content, "DocumentFormat": "JSON", "DocumentType": document.kind, "Status": version.status}
        return answer | ({"AttachmentsContent": version.attached} if version.attached else {})

    def describe_document(self, **params: Any) -> Any:
        self._asked("DescribeDocument", params)
        document, version = self._version(params, "DescribeDocument")
        return {"Document": {"DocumentVersion": version.number, "DefaultVersion": document.default, "Status": version.status}}

    def describe_document_permission(self, **params: Any) -> Any:
        self._asked("DescribeDocumentPermission", params)
        shared = self._document(params["Name"], "DescribeDocumentPermission").shared
        ids = sorted(shared)
        at = int(params.get("NextToken", "0"))
        page = ids[at : at + 1]
        more = {"NextToken": str(at + 1)} if at + 1 < len(ids) else {}
        infos = [{"AccountId": a, "SharedDocumentVersion": shared[a]} for a in page]
        return {"AccountIds": page, "AccountSharingInfoList": infos, **more}

    def modify_document_permission(self, **params: Any) -> Any:
        self._asked("ModifyDocumentPermission", params)
        assert len(params.get("AccountIdsToAdd", [])) <= 20
        assert len(params.get("AccountIdsToRemove", [])) <= 20
        shared = self._document(params["Name"], "ModifyDocumentPermission").shared
        for account in params.get("AccountIdsToAdd", []):
            shared[account] = params.get("SharedDocumentVersion", "$DEFAULT")
        for account in params.get("AccountIdsToRemove", []):
            del shared[account]

    def send_command(self, **params: Any) -> Any:
        self._asked("SendCommand", params)
        for target in params["Targets"]:
            named = target["Key"] == "InstanceIds"
            assert not named or len(target["Values"]) <= 50
            if named and self.world.star_refused and target["Values"] == ["*"]:
                raise self.exceptions.make("ValidationException", "SendCommand", "Targets must be ids or tags")
            if named and self.world.gone & set(target["Values"]):
                raise self.exceptions.make("InvalidInstanceId", "SendCommand")
        self.world.commands.append({"CommandId": f"{len(self.world.commands):036d}"})
        return {"Command": self.world.commands[-1]}

    def cancel_command(self, **params: Any) -> Any:
        self._asked("CancelCommand", params)
        return {}

    def list_commands(self, **params: Any) -> Any:
        self._asked("ListCommands", params)
        return {"Commands": self.world.commands}

    def get_command_invocation(self, **params: Any) -> Any:
        self._asked("GetCommandInvocation", params)
        out, err = self.world.outputs[params["InstanceId"]]
        return {"StandardOutputContent": out, "StandardErrorContent": err}

    def get_automation_execution(self, **params: Any) -> Any:
        self._asked("GetAutomationExecution", params)
        return {"AutomationExecution": self.world.executions[params["AutomationExecutionId"]]}

    @property
    def pages(self) -> dict[str, Any]:
        return {
            "list_document_versions": self._versions,
            "describe_instance_information": self._nodes,
            "list_command_invocations": self._invocations,
            "describe_automation_step_executions": self._steps,
            "get_parameter_history": self._values,
        }

    def put_parameter(self, **params: Any) -> Any:
        self._asked("PutParameter", params)
        assert params["Overwrite"]
        self.world.parameters.setdefault(params["Name"], []).append(params["Value"])

    def _values(self, **params: Any) -> Any:
        self._asked("GetParameterHistory", params)
        if params["Name"] not in self.world.parameters:
            raise self.exceptions.make("ParameterNotFound", "GetParameterHistory")
        return "Parameters", [{"Value": value} for value in self.world.parameters[params["Name"]]]

    def _versions(self, **params: Any) -> Any:
        self._asked("ListDocumentVersions", params)
        document = self._document(params["Name"], "ListDocumentVersions")
        return "DocumentVersions", [
            {
                "Name": params["Name"],
                "DocumentVersion": v.number,
                "VersionName": v.name,
                "CreatedDate": v.created,
                "IsDefaultVersion": v.number == document.default,
                "Status": v.status,
                "StatusInformation": v.reason,
            }
            for v in document.versions
        ]

    def _nodes(self, **params: Any) -> Any:
        self._asked("DescribeInstanceInformation", params)
        here = [node for node in self.world.nodes.get(self.region, []) if node not in self.world.gone or self.world.listed_late]
        self.world.listed_late = False
        pings = self.world.pings
        return "InstanceInformationList", [{"InstanceId": node, "PingStatus": pings.get(node, "Online")} for node in here]

    def _invocations(self, **params: Any) -> Any:
        self._asked("ListCommandInvocations", params)
        return "CommandInvocations", self.world.invocations

    def _steps(self, **params: Any) -> Any:
        self._asked("DescribeAutomationStepExecutions", params)
        return "StepExecutions", self.world.executions[params["AutomationExecutionId"]]["AllSteps"]


def manifest(version: str = "1.0.0", digest: str = "ab") -> str:
    return json.dumps({"schemaVersion": "2.0", "version": version, "files": {"a.zip": {"checksums": {"sha256": digest}}}})
