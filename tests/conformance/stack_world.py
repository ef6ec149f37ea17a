"""Stacks of one claim, and the small templates that they are made of."""

import json
from typing import Any

from conformance.claims import eventually
from conformance.target import Account

AT_REST = ("_COMPLETE", "_FAILED")


def parameter(value: Any = "x", **properties: Any) -> dict[str, Any]:
    """Return a resource that costs nothing and is there at once."""
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value, **properties}}


def template(resources: dict[str, Any], **sections: Any) -> str:
    """Return a template's text."""
    return json.dumps({"Resources": resources, **sections})


class StackMaker:
    """Makes stacks in an account, waits for them, and forgets none."""

    def __init__(self, account: Account) -> None:
        self.client = account.client("cloudformation")
        self.made: list[str] = []

    def create(self, name: str, body: str, **params: Any) -> str:
        """Create a stack and return the status in which it comes to rest."""
        self.made.append(self.client.create_stack(StackName=name, TemplateBody=body, **params)["StackId"])
        return self.settled(self.made[-1])

    def update(self, name: str, body: str, **params: Any) -> str:
        """Update a stack and return the status in which it comes to rest."""
        self.client.update_stack(StackName=name, TemplateBody=body, **params)
        return self.settled(name)

    def stack(self, name: str) -> dict[str, Any]:
        """Describe one stack."""
        return dict(self.client.describe_stacks(StackName=name)["Stacks"][0])

    def settled(self, name: str) -> str:
        """Wait until nothing happens to a stack any more."""
        at_rest = eventually(lambda: self.stack(name)["StackStatus"], lambda status: status.endswith(AT_REST), 120)
        return str(at_rest)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return all events, oldest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=name)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def outputs(self, name: str) -> dict[str, str]:
        """Return the outputs of a stack."""
        return {row["OutputKey"]: row["OutputValue"] for row in self.stack(name).get("Outputs", ())}

    def clean(self) -> None:
        """Delete what was made, last first."""
        for stack_id in reversed(self.made):
            if self.stack(stack_id)["StackStatus"] != "DELETE_COMPLETE":
                self.client.update_termination_protection(StackName=stack_id, EnableTerminationProtection=False)
                self.client.delete_stack(StackName=stack_id)
                self.settled(stack_id)
