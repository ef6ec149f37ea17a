"""What aws:softwareInventory can find out about a node: programs, AWS's own among them, network, processor, users' own files.

Flow: one function per kind of data -> its entries, as texts by attribute.
Rules: what is told is what the node's own root says: its package database, /proc, its files.
AWS: amazon-ssm-agent, plugins/inventory/gatherers.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localorg.node.scripts import Surroundings

Entry = dict[str, str]
FIELD, RECORD = "\x1f", "\x1e"
DPKG = {
    "Name": "${Package}",
    "Publisher": "${Maintainer}",
    "Version": "${Version}",
    "ApplicationType": "${Section}",
    "Architecture": "${Architecture}",
    "URL": "${Homepage}",
    "Summary": "${Description}",
    "PackageId": "${Package}_${Version}_${Architecture}.deb",
}
RPM = {
    "Name": "%{NAME}",
    "Publisher": "%{VENDOR}",
    "Version": "%{VERSION}",
    "Release": "%{RELEASE}",
    "Epoch": "%{EPOCH}",
    "InstalledTime": "%{INSTALLTIME}",
    "ApplicationType": "%{GROUP}",
    "Architecture": "%{ARCH}",
    "URL": "%{URL}",
    "Summary": "%{SUMMARY}",
    "PackageId": "%{SOURCERPM}",
}
ALWAYS = frozenset({"Name", "Publisher", "Version", "Architecture"})
"""Attributes that are told though they are empty."""
FIELD_MAX = 1000
"""ASSUMED: how much of a long field is told; the first line only, as in the stock agent."""
QUERY_LIMIT_S = 120.0
AWS_PROGRAMS = frozenset({"amazon-ssm-agent", "aws-cfn-bootstrap"})
AWS_TOOLS = ("aws-apitools-", "aws-amitools-")
CUSTOM_MAX = 20
"""AWS: customGatherer.go, CustomInventoryCountLimit."""


class GatheringError(Exception):
    """Something could not be found out; the text becomes the step's standard error."""


@dataclass(frozen=True)
class Machine:
    """What a node knows of itself beyond its files."""

    ip_address: str


def applications(around: Surroundings) -> list[Entry]:
    """Return the packages of dpkg and of rpm, whichever is there. Raises GatheringError."""
    found: list[Entry] = []
    path = around.environment.get("PATH")
    if shutil.which("dpkg-query", path=path):
        found += _query(around, ["dpkg-query", "-W", "-f=" + FIELD.join(DPKG.values()) + RECORD], tuple(DPKG))
    if shutil.which("rpm", path=path):
        found += _query(around, ["rpm", "-qa", "--queryformat", FIELD.join(RPM.values()) + RECORD], tuple(RPM))
    return sorted(found, key=lambda entry: (entry["Name"].lower(), entry["Publisher"].lower(), entry["Version"]))


def aws_components(programs: list[Entry]) -> list[Entry]:
    """Return those of AWS. AWS: application/dataProvider.go componentType."""
    return [one for one in programs if one["Name"].lower() in AWS_PROGRAMS or any(t in one["Name"].lower() for t in AWS_TOOLS)]


def network(machine: Machine) -> list[Entry]:
    """Return the one interface that a node's persona has."""
    # DEVIATES: nodes share the network of the host; what they tell is the address that the control plane knows them by.
    parts = machine.ip_address.split(".")
    mac = (
        ":".join(f"{int(part):02x}" for part in parts) if len(parts) == 4 and all(p.isdecimal() for p in parts) else "00:00:00:00"
    )
    return [{"Name": "eth0", "MacAddress": f"02:00:{mac}", "IPV4": machine.ip_address, "IPV6": ""}]


def processor(cpuinfo: str) -> list[Entry]:
    """Return AWS:InstanceDetailedInformation of the text of /proc/cpuinfo. AWS: instancedetailedinformation/dataProvider_unix.go."""
    cpus = [dict(re.findall(r"^([\w ]+?)\s*:\s*(.*)$", block, re.MULTILINE)) for block in cpuinfo.split("\n\n") if block.strip()]
    first: dict[str, str] = cpus[0] if cpus else {}
    sockets = len({cpu.get("physical id", "0") for cpu in cpus})
    cores = int(first.get("cpu cores", "1")) * sockets
    return [
        {
            "CPUModel": first.get("model name", ""),
            "CPUSpeedMHz": first.get("cpu MHz", "").partition(".")[0],
            "CPUs": str(len(cpus)),
            "CPUSockets": str(sockets),
            "CPUCores": str(cores),
            "CPUHyperThreadEnabled": str(cores < len(cpus)).lower(),
            "OSServicePack": "",
            "KernelVersion": os.uname().release,
        }
    ]


def custom(folder: Path) -> list[dict[str, Any]]:
    """Return what the JSON files of a folder note, as inventory items without a time. Raises GatheringError."""
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if len(paths) > CUSTOM_MAX:
        raise GatheringError(f"Total custom inventory file count ({len(paths)}) exceed limit ({CUSTOM_MAX})")
    items = [_custom_item(path) for path in paths]
    names = [item["TypeName"] for item in items]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise GatheringError(f"Custom inventory typeName ({twice}) is in more than one file of {folder}")
    return items


def _custom_item(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        name, version, content = str(body["TypeName"]), str(body["SchemaVersion"]), body["Content"]
        entries = [content] if isinstance(content, dict) else list(content)
        texts = [{str(key): _text(value) for key, value in entry.items()} for entry in entries]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise GatheringError(f"{path} is no custom inventory item (TypeName, SchemaVersion, Content): {error!r}") from error
    if not name.startswith("Custom:"):
        raise GatheringError(f"Custom inventory item's TypeName ({name}) has to start with Custom:")
    return {"TypeName": name, "SchemaVersion": version, "Content": texts}


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise TypeError(f"a value must be a text or a number, found {value!r}")
    return str(value)


def _query(around: Surroundings, command: list[str], names: tuple[str, ...]) -> list[Entry]:
    output = around.folder / command[0]
    output.mkdir(parents=True, exist_ok=True)
    ended = around.processes.run(
        command,
        folder=around.working_folder,
        environment=around.environment,
        output=output,
        timeout_s=QUERY_LIMIT_S,
        cancel=around.cancel,
    )
    if ended.code:
        said = (output / "stderr").read_text(errors="replace").strip()
        raise GatheringError(f"Command failed with error: {command[0]} ended with {ended.code}: {said}")
    text = (output / "stdout").read_text(encoding="utf-8", errors="replace")
    return [_entry(dict(zip(names, record.split(FIELD), strict=False))) for record in text.split(RECORD) if FIELD in record]


def _entry(raw: Mapping[str, str]) -> Entry:
    entry = {name: value.split("\n", 1)[0].strip()[:FIELD_MAX] for name, value in raw.items()}
    entry = {name: "" if value == "(none)" else value for name, value in entry.items()}
    if entry.get("InstalledTime", "").isdecimal():
        entry["InstalledTime"] = f"{datetime.fromtimestamp(int(entry['InstalledTime']), UTC):%Y-%m-%dT%H:%M:%SZ}"
    architecture = entry.get("Architecture", "").lower()
    entry["Architecture"] = {"amd64": "x86_64", "386": "i386"}.get(architecture, architecture)
    return {name: value for name, value in entry.items() if value or name in ALWAYS}
