"""Each ready recipe, and what init makes of a vendor's file, through csd package test on a node of every persona."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from csd.package.archive import Entry, deb_pieces, tar_pieces
from demo.trial import ROLE, SANDBOX, specification
from demo.walk import Walk
from demo.watch import client
from journeys.conftest import organization
from localorg.server.personas import PERSONAS

pytestmark = [pytest.mark.journey, pytest.mark.proof, pytest.mark.xdist_group("recipes")]
RECIPES = Path(__file__).parents[2] / "examples/packages"
ARGUMENTS = {
    "cloudwatch-agent": ["SSM_CLOUDWATCH_CONFIG=ssm:/csd/cloudwatch"],
    "crowdstrike-falcon": ["SSM_FALCON_CID=0123456789ABCDEF0123456789ABCDEF-12", "SSM_FALCON_TAGS=aws"],
    "tenable-nessus-agent": [f"SSM_NESSUS_KEY={'0123456789abcdef' * 4}", "SSM_NESSUS_GROUPS=aws"],
    "trendmicro-vision-one": [
        "SSM_TREND_ACTIVATION_URL=dsm://agents.workload.us-1.cloudone.trendmicro.com:443/",
        "SSM_TREND_TOKEN=3A1F0C52-77B0-4D1E-9C1A-5E6F7A8B9C0D",
    ],
}


@pytest.fixture(scope="module")
def personas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A sandbox account with a node of each persona, whose role may store what the nodes print."""
    with organization(tmp_path_factory.mktemp("recipes"), specification(list(PERSONAS))) as walk:
        walk.shell.environment.update(walk.keys(SANDBOX))
        policy = json.dumps(json.loads(walk.shell.run("csd", "package", "test", "--rights").out)["nodes"])
        client(walk, "iam", SANDBOX).put_role_policy(RoleName=ROLE, PolicyName="Outputs", PolicyDocument=policy)
        yield walk


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_recipe_passes_on_every_persona(name: str, personas: Walk) -> None:
    """Installed, validated, rolled back from a failure and removed without a trace, by .deb and by what stands for the .rpm."""
    nodes = ",".join(node["instance_id"] for node in personas.nodes())
    words = [word for argument in ARGUMENTS[name] for word in ("--argument", argument)]
    told = personas.shell.run("csd", "package", "test", str(RECIPES / name), *words, "--nodes", nodes, "--json", expect=None)
    report = json.loads(told.out)
    failed = [
        (node["platform"], step["step"], step["why"], step.get("output", "")[-500:])
        for node in report["nodes"]
        for step in node["steps"]
        if step["verdict"] != "passed"
    ]
    assert failed == []
    assert len(report["nodes"]) == len(PERSONAS)
    assert told.code == 0


@pytest.mark.parametrize("kind", ["tar", "deb"])
def test_what_init_made_of_a_vendors_file_passes_where_it_belongs(kind: str, personas: Walk, tmp_path: Path) -> None:
    """From a vendor's file by init, lint and build to nodes: installed, upgraded, updated, rolled back, removed without a trace.

    Nothing is written by hand, and no secret argument is in what nodes print.
    """
    for version in ("7.1.0", "7.2.0"):
        (tmp_path / version).mkdir()
        (tmp_path / version / f"agent-{version}.download").write_bytes(vendors_file(kind, version))
        personas.shell.run(
            "csd", "package", "init", "started-agent", "--from", str(tmp_path / version), "--into", str(tmp_path / f"p-{version}"),
            "--version", version,
        )  # fmt: skip
        personas.shell.run("csd", "package", "lint", "--strict", str(tmp_path / f"p-{version}"))
    meant = [node for node in personas.nodes() if kind == "tar" or node["name"].startswith(("debian", "ubuntu"))]
    older, newer = (str(tmp_path / f"p-{version}") for version in ("7.1.0", "7.2.0"))
    words = ["--from", older, "--argument", "SSM_TOKEN=s3cret-value", "--nodes", ",".join(node["instance_id"] for node in meant)]
    told = personas.shell.run("csd", "package", "test", newer, *words, "--json", expect=None)
    report = json.loads(told.out)
    assert [(n["platform"], s["step"], s["why"]) for n in report["nodes"] for s in n["steps"] if s["verdict"] != "passed"] == []
    assert len(report["nodes"]) == len(meant) == (len(PERSONAS) if kind == "tar" else 2)
    assert "s3cret-value" not in json.dumps([step.get("output", "") for node in report["nodes"] for step in node["steps"]])
    assert told.code == 0


def vendors_file(kind: str, version: str) -> bytes:
    """An agent that tells its version, under a name that tells nothing else."""
    program = Entry("opt/started-agent/agent", f"#!/bin/sh\necho agent {version}\n".encode(), executable=True)
    if kind == "tar":
        return gzip.compress(b"".join(tar_pieces([program]).chunks()))
    fields = f"Package: started-agent\nVersion: 1:{version}-2\nArchitecture: all\nMaintainer: a <a@example.com>\nDescription: an agent\n"
    return b"".join(deb_pieces([Entry("control", fields.encode(), executable=False)], [program]).chunks())
