"""The verdict over all accounts and Regions: each pair must have succeeded; those that have not are named, in their own words."""

import re
from typing import Any

import boto3
from botocore.exceptions import ClientError

PAIR = re.compile(r"^(\d{12})_(.+)$")
EXECUTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAMED_MAX = 50
QUOTED_MAX = 5


def handler(events: Any, _context: Any, client: Any = boto3.client) -> Any:
    """Raises RuntimeError unless the verdict is good."""
    ssm = client("ssm", region_name=events["home"])
    started = _started(ssm, events["executionId"])
    steps = _read_steps(ssm, started)
    pairs = [(found.group(1), found.group(2), s) for s in steps if (found := PAIR.match(s["StepName"]))]
    failed = [pair for pair in pairs if pair[2]["StepStatus"] != "Success"]
    if not pairs:
        raise RuntimeError(f"execution {started} reached no account at all")
    if failed:
        named = ", ".join(f"{account} {region} ({step['StepStatus']})" for account, region, step in failed[:NAMED_MAX])
        quoted = " | ".join(_own_words(events, client, *pair) for pair in failed[:QUOTED_MAX])
        raise RuntimeError(f"{len(failed)} of {len(pairs)} account-Region pairs did not succeed: {named}. {quoted}")
    return {"summary": f"all {len(pairs)} account-Region pairs succeeded"}


def _started(ssm: Any, own_id: str) -> str:
    step = next(step for step in _read_steps(ssm, own_id) if step["StepName"] == "distribute")
    found = EXECUTION.search(str(step.get("Outputs", {}).get("ExecutionId")))
    if not found:
        raise RuntimeError(f"no account was reached: {step.get('FailureMessage', step['StepStatus'])}")
    return found.group()


def _read_steps(ssm: Any, execution_id: str) -> Any:
    execution = ssm.get_automation_execution(AutomationExecutionId=execution_id)["AutomationExecution"]
    if not execution.get("StepExecutionsTruncated"):
        return list(execution["StepExecutions"])
    pages = ssm.get_paginator("describe_automation_step_executions").paginate(AutomationExecutionId=execution_id)
    return [step for page in pages for step in page["StepExecutions"]]


def _own_words(events: Any, client: Any, account: str, region: str, step: Any) -> str:
    """What the member's own execution says; the hub's step only holds its id."""
    child = EXECUTION.search(str(step.get("Outputs", "")))
    if not child:
        return f"{account} {region}: {step.get('FailureMessage', 'never started')}"
    try:
        role = f"arn:{events['partition']}:iam::{account}:role/{events['executionRole']}"
        session = client("sts", region_name=events["home"]).assume_role(RoleArn=role, RoleSessionName="csd-judge")["Credentials"]
        ssm = client(
            "ssm",
            region_name=region,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )
        said = ssm.get_automation_execution(AutomationExecutionId=child.group())["AutomationExecution"].get("FailureMessage", "")
    except ClientError as refused:  # the verdict stands without the quotation; why it is missing is said in its place
        said = f"{step.get('FailureMessage', '')} (its own words could not be read: {refused})"
    return f"{account} {region}: {said}"
