"""`make package-test DIR=…`: `csd package test` on throw-away nodes of a local organization, one of each persona that it is for."""

import json
import shutil
import sys
from pathlib import Path

import yaml

from csd.errors import CsdInputError
from csd.package.matching.reading import packages_at
from csd.package.matching.reported import possible_nodes
from csd.package.matching.walk import Match, Packages, which_zip
from demo.__main__ import free_port
from demo.shell import CommandFailed
from demo.walk import Walk
from demo.watch import client
from localorg.server.personas import PERSONAS

SANDBOX, ROLE = "222222222222", "localorg-node"


def served(packages: Packages) -> list[str]:
    """The personas that get a zip."""
    return [
        name
        for name, one in PERSONAS.items()
        for node in possible_nodes(one.platform_name, one.platform_version, one.architecture)
        if isinstance(which_zip(packages, node), Match)
    ]


def specification(personas: list[str]) -> str:
    """One sandbox account with a node of each."""
    account = {"id": SANDBOX, "name": "sandbox"}
    unit = {"id": "ou-abcd-11111111", "name": "Sandboxes", "accounts": [account]}
    nodes = [{"account": SANDBOX, "region": "us-east-1", "persona": name, "name": name} for name in personas]
    organization = {
        "id": "o-trial00001", "root": "r-abcd", "management": {"id": "111111111111", "name": "hub"}, "units": [unit],
    }  # fmt: skip
    return yaml.safe_dump({"regions": ["us-east-1"], "organization": organization, "nodes": nodes})


def run(walk: Walk, words: list[str]) -> int:
    """Let the nodes write their output, and test; returns csd's exit code."""
    walk.shell.environment.update(walk.keys(SANDBOX))
    policy = json.loads(walk.shell.run("csd", "package", "test", "--rights").out)["nodes"]
    client(walk, "iam", SANDBOX).put_role_policy(RoleName=ROLE, PolicyName="Outputs", PolicyDocument=json.dumps(policy))
    nodes = ",".join(node["instance_id"] for node in walk.nodes())
    return walk.shell.show("csd", "package", "test", *words, "--nodes", nodes)


def main(words: list[str]) -> int:
    """Bring the organization up, test, and take it down."""
    if not words or words[0].startswith("-"):
        print("name the package: make package-test DIR=FOLDER", file=sys.stderr)
        return 2
    try:
        personas = served(packages_at(Path(words[0])))
    except CsdInputError as wrong:
        print(*(f"error: {problem}" for problem in wrong.problems), sep="\n", file=sys.stderr)
        return 2
    print(*(f"no zip for {name}: not tested" for name in PERSONAS if name not in personas), sep="\n", file=sys.stderr)
    walk = Walk(free_port())
    walk.spec = walk.folder / "organization.yaml"
    walk.spec.write_text(specification(personas))
    walk.shell.told = lambda command: print(f"$ {command}", file=sys.stderr, flush=True)
    try:
        walk.up()
        return run(walk, words)
    except CommandFailed as broken:
        print(f"error: {broken}", file=sys.stderr)
        return 1
    finally:
        walk.shell.run("localorg", "down", "--state", walk.state, expect=None)
        shutil.rmtree(walk.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
