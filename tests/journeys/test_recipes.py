"""Through csd package test: each ready recipe on a node for each of its zips, and what init makes of a vendor's folder on every persona."""

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from csd.package.matching.reading import packages_at
from csd.package.matching.reported import possible_nodes
from csd.package.matching.walk import Match, Packages, which_zip
from demo.trial import ROLE, SANDBOX, specification
from demo.walk import Walk
from demo.watch import client
from journeys.conftest import organization
from localorg.server.personas import PERSONAS

pytestmark = [pytest.mark.journey, pytest.mark.proof, pytest.mark.xdist_group("recipes")]
RECIPES = Path(__file__).parents[2] / "examples/packages"
INSTALLERS = Path(__file__).parents[1] / "csd/package/detection/real"
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
def test_a_recipe_passes_with_each_of_its_zips(name: str, personas: Walk) -> None:
    """Installed, validated, rolled back from a failure and removed without a trace, by .deb and by what stands for the .rpm."""
    nodes = node_of_each_zip(personas, packages_at(RECIPES / name))
    assert len(nodes) >= 2
    words = [word for argument in ARGUMENTS[name] for word in ("--argument", argument)]
    told = personas.shell.run(
        "csd", "package", "test", str(RECIPES / name), *words, "--nodes", ",".join(nodes), "--json", expect=None
    )
    report = json.loads(told.out)
    failed = [
        (node["platform"], step["step"], step["why"], (step.get("output") or "")[-500:])
        for node in report["nodes"]
        for step in node["steps"]
        if step["verdict"] != "passed"
    ]
    assert failed == []
    assert len(report["nodes"]) == len(nodes)
    assert told.code == 0


def node_of_each_zip(walk: Walk, packages: Packages) -> list[str]:
    """One node for each zip that some persona gets: on all others the same scripts would run again."""
    found: dict[str, str] = {}
    for node in walk.nodes():
        one = PERSONAS[node["name"]]
        for possible in possible_nodes(one.platform_name, one.platform_version, one.architecture):
            if isinstance(match := which_zip(packages, possible), Match):
                found.setdefault(match.file, node["instance_id"])
    return list(found.values())


def test_what_init_made_of_a_vendors_folder_passes_on_every_persona(personas: Walk, tmp_path: Path) -> None:
    """A .deb by dpkg-deb, an .rpm by rpmbuild and a tarball: installed, upgraded, updated, rolled back, removed without a trace.

    Nothing is written by hand, and no secret argument is in what nodes print. Red Hat's kin get the .rpm where this machine, whose
    programs the nodes have, has rpm; else the tarball, as all that are neither of Debian nor of that.
    """
    older, newer = (started(personas, version, tmp_path) for version in ("7.1.0", "7.2.0"))
    nodes = ",".join(node["instance_id"] for node in personas.nodes())
    words = ["--from", older, "--argument", "SSM_TOKEN=s3cret-value", "--nodes", nodes, "--json"]
    told = personas.shell.run("csd", "package", "test", newer, *words, expect=None)
    report = json.loads(told.out)
    assert [(n["platform"], s["step"], s["why"]) for n in report["nodes"] for s in n["steps"] if s["verdict"] != "passed"] == []
    assert len(report["nodes"]) == len(PERSONAS)
    assert "s3cret-value" not in told.out + told.err
    assert told.code == 0


def started(walk: Walk, version: str, folder: Path) -> str:
    """A package made by init from a vendor's folder of this version, with no finding of lint."""
    source, into = folder / version, folder / f"p-{version}"
    source.mkdir()
    for installer in INSTALLERS.glob(f"acme-agent?{version}-*"):
        native = installer.name.endswith((".el9.noarch.rpm", "_all.deb", "_amd64.deb"))
        if native and (installer.suffix == ".deb" or shutil.which("rpm")):
            shutil.copy(installer, source)
    with tarfile.open(source / f"acme-agent-{version}-linux-x86_64.tar.gz", "w:gz") as tar:
        program = f"#!/bin/sh\necho agent {version}\n".encode()
        told = tarfile.TarInfo(f"acme-agent-{version}/bin/agent")
        told.size, told.mode = len(program), 0o755
        tar.addfile(told, io.BytesIO(program))
    walk.shell.run("csd", "package", "init", "acme-agent", "--from", str(source), "--into", str(into))
    walk.shell.run("csd", "package", "lint", "--strict", str(into))
    return str(into)
