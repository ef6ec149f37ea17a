"""aws:softwareInventory: what is gathered, what is sent, and what is not sent twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from localorg.node import gathering
from localorg.node.calls import CallRefusedError
from localorg.node.gathering import Machine
from localorg.node.processes import Cancel, Ended
from localorg.node.results import Status
from localorg.node.scripts import Surroundings
from localorg.node.software_inventory import SoftwareInventory

DPKG = [
    [
        "bash",
        "Matthias <doko@debian.org>",
        "5.2",
        "shells",
        "amd64",
        "https://gnu.org",
        "GNU shell\n more words",
        "bash_5.2_amd64.deb",
    ],
    ["amazon-ssm-agent", "Amazon.com", "3.3", "admin", "amd64", "", "", "amazon-ssm-agent_3.3_amd64.deb"],
]


class PackageDatabase:
    """Runs dpkg-query or rpm as a program that prints these records would."""

    def __init__(self, records: list[list[str]], code: int = 0) -> None:
        self.records, self.code = records, code

    def run(self, command: Any, *, output: Path, **_: Any) -> Ended:
        (output / "stdout").write_text("".join("\x1f".join(record) + "\x1e" for record in self.records))
        (output / "stderr").write_text("broken" if self.code else "")
        return Ended(self.code)


class Service:
    """Systems Manager, as far as inventory goes. `refuses`: error codes of the next calls."""

    class identity:  # noqa: N801 - the shape of a control plane
        instance_id = "i-0aaa1111"

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.refuses: list[str] = []

    def call(self, operation: str, parameters: Any) -> dict[str, Any]:
        self.calls.append((operation, json.loads(json.dumps(parameters))))
        if self.refuses:
            raise CallRefusedError(self.refuses.pop(0), "no")
        return {}

    def message(self, operation: str, parameters: Any) -> dict[str, Any]:
        raise AssertionError("inventory sends no messages")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder in which there is a dpkg-query."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dpkg-query").touch(mode=0o755)
    return tmp_path / "bin"


def around(tmp_path: Path, path: Path, records: list[list[str]] = DPKG, code: int = 0) -> Surroundings:
    return Surroundings(PackageDatabase(records, code), Cancel(), tmp_path / "run", tmp_path, {"PATH": str(path)})


def plugin(service: Service, tmp_path: Path) -> SoftwareInventory:
    return SoftwareInventory(service, Machine("10.0.0.1"), tmp_path / "inventory", lambda: 1_800_000_000.0)


def sent(service: Service) -> dict[str, Any]:
    operation, parameters = service.calls[-1]
    assert (operation, parameters["InstanceId"]) == ("PutInventory", "i-0aaa1111")
    return {item["TypeName"]: item for item in parameters["Items"]}


def test_packages_are_told_as_the_stock_agent_tells_them(tmp_path: Path, programs: Path) -> None:
    """Observed: the agent's source, dataProvider_unix.go: first lines, x86_64 for amd64, empty attributes left out."""
    service = Service()
    result = plugin(service, tmp_path).run(
        {"applications": "Enabled", "awsComponents": "Enabled", "services": "Enabled"},
        around(tmp_path, programs),
        is_association=True,
    )
    assert (result.status, result.code) == (Status.SUCCESS, 0)
    assert result.stdout.startswith(
        "Inventory policy has been successfully applied and collected inventory data has been uploaded"
    )
    items = sent(service)
    assert items["AWS:Application"]["SchemaVersion"] == "1.1"
    assert items["AWS:Application"]["CaptureTime"] == "2027-01-15T08:00:00Z"
    assert items["AWS:Application"]["Content"][1] == {
        "Name": "bash",
        "Publisher": "Matthias <doko@debian.org>",
        "Version": "5.2",
        "ApplicationType": "shells",
        "Architecture": "x86_64",
        "URL": "https://gnu.org",
        "Summary": "GNU shell",
        "PackageId": "bash_5.2_amd64.deb",
    }
    assert [one["Name"] for one in items["AWS:AWSComponent"]["Content"]] == ["amazon-ssm-agent"]


def test_what_did_not_change_is_sent_as_its_hash(tmp_path: Path, programs: Path) -> None:
    """Observed: the agent's source, datauploader: the hash alone, and everything after ItemContentMismatchException."""
    service, inputs = Service(), {"applications": "Enabled", "networkConfig": "Enabled"}
    inventory = plugin(service, tmp_path)
    inventory.run(inputs, around(tmp_path, programs), is_association=True)
    inventory.run(inputs, around(tmp_path, programs), is_association=True)
    assert all("Content" not in item for item in sent(service).values())
    inventory.run(inputs, around(tmp_path, programs, DPKG[:1]), is_association=True)
    assert {name: "Content" in item for name, item in sent(service).items()} == {"AWS:Application": True, "AWS:Network": False}
    service.refuses = ["ItemContentMismatchException"]
    result = inventory.run(inputs, around(tmp_path, programs), is_association=True)
    assert result.status == Status.SUCCESS
    assert all("Content" in item for item in sent(service).values())


def test_only_an_association_gathers(tmp_path: Path, programs: Path) -> None:
    """Observed: the agent's source, inventory.go: the plugin can only be invoked via ssm-associate."""
    service = Service()
    result = plugin(service, tmp_path).run({"applications": "Enabled"}, around(tmp_path, programs), is_association=False)
    assert (result.status, result.code) == (Status.FAILED, 1)
    assert result.stderr == "aws:softwareInventory plugin can only be invoked via ssm-associate"
    assert service.calls == []


@pytest.mark.parametrize(
    ("inputs", "refuses", "code", "said"),
    [
        ({"applications": "Enabled"}, ["AccessDeniedException"], 0, "inventory data could not be uploaded to Systems Manager. "),
        ({"applications": "Enabled"}, [], 2, "Command failed with error: dpkg-query ended with 2: broken"),
        ({"files": '[{"Path": "/etc"}]'}, [], 0, "AWS:File is not gathered by this agent"),
    ],
)
def test_what_fails_the_step(
    tmp_path: Path, programs: Path, inputs: dict[str, str], refuses: list[str], code: int, said: str
) -> None:
    """Observed: the agent's source, inventory.go, for the upload; what this agent lacks is named (its own words)."""
    service = Service()
    service.refuses = refuses
    result = plugin(service, tmp_path).run(inputs, around(tmp_path, programs, code=code), is_association=True)
    assert result.status == Status.FAILED
    assert result.stderr.startswith(said)


def test_nothing_enabled_sends_nothing(tmp_path: Path, programs: Path) -> None:
    """Observed: the agent's source, inventory.go: there is no inventory data to upload."""
    service = Service()
    result = plugin(service, tmp_path).run({"applications": "Disabled"}, around(tmp_path, programs), is_association=True)
    assert (result.status, service.calls) == (Status.SUCCESS, [])
    assert result.stdout.endswith("there is no inventory data to upload to SSM")


def test_a_users_own_files(tmp_path: Path, programs: Path) -> None:
    """Documented: user guide, "Working with custom inventory": JSON files in the node's custom inventory folder."""
    service, folder = Service(), tmp_path / "inventory/custom"
    folder.mkdir(parents=True)
    (folder / "rack.json").write_text('{"TypeName": "Custom:Rack", "SchemaVersion": "1.0", "Content": {"Hall": 3}}')
    inventory = plugin(service, tmp_path)
    inventory.run({"customInventory": "Enabled"}, around(tmp_path, programs), is_association=True)
    assert sent(service)["Custom:Rack"]["Content"] == [{"Hall": "3"}]
    (folder / "again.json").write_text('{"TypeName": "Custom:Rack", "SchemaVersion": "1.0", "Content": []}')
    result = inventory.run({"customInventory": "Enabled"}, around(tmp_path, programs), is_association=True)
    assert result.stderr.startswith("Custom inventory typeName (Custom:Rack) is in more than one file of")
    (folder / "again.json").write_text("{}")
    result = inventory.run({"customInventory": "Enabled"}, around(tmp_path, programs), is_association=True)
    assert "again.json is no custom inventory item (TypeName, SchemaVersion, Content): KeyError('TypeName')" in result.stderr


def test_the_processor() -> None:
    """Observed: the agent's source, instancedetailedinformation: sockets, cores, and whether there are more threads than cores."""
    block = "processor\t: {}\nmodel name\t: Some CPU\ncpu MHz\t\t: 2199.998\nphysical id\t: 0\ncpu cores\t: 1\n"
    (told,) = gathering.processor("\n".join(block.format(number) for number in (0, 1)))
    assert (told["CPUs"], told["CPUSockets"], told["CPUCores"], told["CPUHyperThreadEnabled"]) == ("2", "1", "1", "true")
    assert (told["CPUModel"], told["CPUSpeedMHz"]) == ("Some CPU", "2199")
