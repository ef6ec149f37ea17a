"""What EC2 tells of an instance: the shapes Instance and InstanceStatus. Pure.

DEVIATES: instances have no volumes, network interfaces, subnets, security groups or metadata service, and the members that would tell of
them are empty or left out.
AWS: EC2 API Instance, InstanceStatus, StateReason.
"""

from datetime import UTC, datetime
from typing import Any

from localorg.instances.records import Instance
from localorg.kernel.arn import Arn

STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
ENDING = ("shutting-down", "terminated", "stopping", "stopped")
USAGE = {False: "RunInstances", True: "RunInstances:0002"}
"""AWS: EC2 user guide "AMI billing information fields": Linux/UNIX and Windows."""


def dns_name(one: Instance) -> str:
    """Return the private DNS name. AWS: EC2 user guide "EC2 instance hostnames and domains": us-east-1 has a domain of its own."""
    domain = "ec2.internal" if one.region == "us-east-1" else f"{one.region}.compute.internal"
    return f"ip-{one.private_ip.replace('.', '-')}.{domain}"


def state(name: str) -> dict[str, Any]:
    """Return the shape InstanceState."""
    return {"Code": STATE_CODES[name], "Name": name}


def view(one: Instance, partition: str) -> dict[str, Any]:
    """Return the shape Instance."""
    shown: dict[str, Any] = {
        "AmiLaunchIndex": 0,
        "InstanceId": one.instance_id,
        "ImageId": one.image_id,
        "InstanceType": one.instance_type,
        "Architecture": one.architecture,
        "State": state(one.state),
        "PublicDnsName": "",
        "LaunchTime": one.launched,
        "Placement": {"AvailabilityZone": f"{one.region}a", "GroupName": "", "Tenancy": "default"},
        "Monitoring": {"State": "disabled"},
        "PlatformDetails": "Windows" if one.windows else "Linux/UNIX",
        "UsageOperation": USAGE[one.windows],
        "UsageOperationUpdateTime": one.launched,
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "EbsOptimized": False,
        "EnaSupport": True,
        "ClientToken": "",
        "HibernationOptions": {"Configured": False},
        "Operator": {"Managed": False},
        **{name: [] for name in ("BlockDeviceMappings", "NetworkInterfaces", "ProductCodes", "SecurityGroups")},
        "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()],
        **_address(one),
        **_reason(one),
    }
    if one.windows:
        shown["Platform"] = "windows"
    if one.profile:
        shown["IamInstanceProfile"] = {"Arn": str(Arn(partition, "iam", "", one.account, f"instance-profile/{one.profile}"))}
    return shown


def _address(one: Instance) -> dict[str, str]:
    if one.state == "terminated":
        # AWS: a terminated instance has given its addresses back.
        return {"PrivateDnsName": ""}
    return {"PrivateIpAddress": one.private_ip, "PrivateDnsName": dns_name(one)}


def _reason(one: Instance) -> dict[str, Any]:
    """Tell why the instance is not running. AWS: EC2 user guide "Troubleshoot instance termination", state reasons."""
    if one.state not in ENDING:
        return {"StateTransitionReason": ""}
    code = "Client.UserInitiatedShutdown"
    moment = datetime.fromtimestamp(one.changed, UTC)
    return {
        "StateTransitionReason": f"User initiated ({moment:%Y-%m-%d %H:%M:%S} GMT)",
        "StateReason": {"Code": code, "Message": f"{code}: User initiated shutdown"},
    }


def health(one: Instance) -> str:
    """Return what its status checks say of an instance."""
    # ASSUMED: the checks of an instance that has just started are ok at once.
    return "ok" if one.state == "running" else "not-applicable"


def status(one: Instance) -> dict[str, Any]:
    """Return the shape InstanceStatus."""
    details = {"Details": [{"Name": "reachability", "Status": "passed"}]} if one.state == "running" else {}
    fine = {"Status": health(one), **details}
    return {
        "InstanceId": one.instance_id,
        "AvailabilityZone": f"{one.region}a",
        "InstanceState": state(one.state),
        "InstanceStatus": fine,
        "SystemStatus": fine,
        "Operator": {"Managed": False},
    }
