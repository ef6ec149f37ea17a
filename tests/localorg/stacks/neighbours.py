"""Small IAM and Systems Manager: real operations over dictionaries, that keep what stacks make and refuse what is there twice."""

from typing import Any

from localorg.kernel.errors import AwsError
from localorg.protocol.calls import Operation, Output, Request


class SmallIam:
    """Roles by (account, name), with what hangs on them."""

    def __init__(self) -> None:
        self.roles: dict[tuple[str, str], dict[str, Any]] = {}
        self.refused: dict[str, AwsError] = {}
        """Operation name -> what it answers instead of working."""

    def operations(self) -> list[Operation]:
        rows = {
            "CreateRole": self.create,
            "DeleteRole": self.delete,
            "PutRolePolicy": self.put_policy,
            "DeleteRolePolicy": self.delete_policy,
            "AttachRolePolicy": self.attach,
            "DetachRolePolicy": self.detach,
            "UpdateAssumeRolePolicy": self.trust,
            "UpdateRole": self.update,
            "TagRole": self.tag,
            "UntagRole": self.untag,
        }
        return [Operation("iam", name, self.guarded(name, handler)) for name, handler in rows.items()]

    def guarded(self, name, handler):
        def answer(request: Request) -> Output:
            if name in self.refused:
                raise self.refused[name]
            return handler(request, request.params)

        return answer

    def find(self, request, params):
        role = self.roles.get((request.account, params["RoleName"]))
        if role is None:
            raise AwsError("NoSuchEntity", f"The role with name {params['RoleName']} cannot be found.", status=404)
        return role

    def create(self, request, params):
        name = params["RoleName"]
        if (request.account, name) in self.roles:
            raise AwsError("EntityAlreadyExists", f"Role with name {name} already exists.", status=409)
        tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
        self.roles[request.account, name] = {**params, "policies": {}, "attached": [], "tags": tags, "by": request.principal.arn}
        arn = f"arn:aws:iam::{request.account}:role{params.get('Path', '/')}{name}"
        return {"Role": {"RoleName": name, "Arn": arn, "RoleId": f"AROA{len(self.roles):016d}", "Path": params.get("Path", "/")}}

    def delete(self, request, params):
        role = self.find(request, params)
        if role["policies"] or role["attached"]:
            raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.", status=409)
        del self.roles[request.account, params["RoleName"]]
        return {}

    def put_policy(self, request, params):
        self.find(request, params)["policies"][params["PolicyName"]] = params["PolicyDocument"]
        return {}

    def delete_policy(self, request, params):
        if self.find(request, params)["policies"].pop(params["PolicyName"], None) is None:
            raise AwsError("NoSuchEntity", "The role policy cannot be found.", status=404)
        return {}

    def attach(self, request, params):
        self.find(request, params)["attached"].append(params["PolicyArn"])
        return {}

    def detach(self, request, params):
        self.find(request, params)["attached"].remove(params["PolicyArn"])
        return {}

    def trust(self, request, params):
        self.find(request, params)["AssumeRolePolicyDocument"] = params["PolicyDocument"]
        return {}

    def update(self, request, params):
        self.find(request, params).update(params)
        return {}

    def tag(self, request, params):
        self.find(request, params)["tags"].update({tag["Key"]: tag["Value"] for tag in params["Tags"]})
        return {}

    def untag(self, request, params):
        for key in params["TagKeys"]:
            self.find(request, params)["tags"].pop(key, None)
        return {}


class SmallSsm:
    """Documents by (account, Region, name): their versions as texts, and the number of the default."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.creating = 0
        """How many DescribeDocument calls still say Creating."""
        self.parameters: dict[str, tuple[str, str]] = {}
        """Name of a parameter -> (type, value)"""
        self.asked_by: list[str] = []

    def operations(self) -> list[Operation]:
        rows = {
            "CreateDocument": self.create,
            "DescribeDocument": self.describe,
            "UpdateDocument": self.update,
            "UpdateDocumentDefaultVersion": self.make_default,
            "DeleteDocument": self.delete,
            "GetParameter": self.get_parameter,
            "GetParameters": self.get_parameters,
            "AddTagsToResource": lambda _request: {},
            "RemoveTagsFromResource": lambda _request: {},
        }
        return [Operation("ssm", name, handler) for name, handler in rows.items()]

    def find(self, request):
        found = self.documents.get((request.account, request.region, request.params["Name"]))
        if found is None:
            raise AwsError("InvalidDocument", f"Document with name {request.params['Name']} does not exist.")
        return found

    def create(self, request):
        key = (request.account, request.region, request.params["Name"])
        if key in self.documents:
            raise AwsError("DocumentAlreadyExists", f"Document with same name {key[2]} already exists")
        self.documents[key] = {"versions": [request.params["Content"]], "default": 1, "params": request.params}
        return {"DocumentDescription": {"Name": key[2], "DocumentVersion": "1", "Status": "Creating"}}

    def describe(self, request):
        document = self.find(request)
        self.creating, waiting = max(0, self.creating - 1), self.creating > 0
        status = "Creating" if waiting else "Active"
        return {"Document": {"Name": request.params["Name"], "Status": status, "DocumentVersion": str(len(document["versions"]))}}

    def get_parameter(self, request):
        self.asked_by.append(request.principal.arn)
        name = request.params["Name"]
        if name not in self.parameters:
            raise AwsError("ParameterNotFound", "")
        kind, value = self.parameters[name]
        return {"Parameter": {"Name": name, "Type": kind, "Value": value}}

    def get_parameters(self, request):
        self.asked_by.append(request.principal.arn)
        there = [name for name in request.params["Names"] if name in self.parameters]
        rows = [{"Name": name, "Type": self.parameters[name][0], "Value": self.parameters[name][1]} for name in there]
        return {"Parameters": rows, "InvalidParameters": [name for name in request.params["Names"] if name not in there]}

    def update(self, request):
        document = self.find(request)
        if document["versions"][-1] == request.params["Content"]:
            raise AwsError("DuplicateDocumentContent", "The content of the association document matches another document.")
        document["versions"].append(request.params["Content"])
        return {"DocumentDescription": {"Name": request.params["Name"], "DocumentVersion": str(len(document["versions"]))}}

    def make_default(self, request):
        self.find(request)["default"] = int(request.params["DocumentVersion"])
        return {}

    def delete(self, request):
        self.find(request)
        del self.documents[request.account, request.region, request.params["Name"]]
        return {}
