"""Which zip a node gets, and why none: the walk, held against a second one that is written differently, and against the node's own."""

import re
from typing import Any

import pytest
from hypothesis import given, settings

from csd.errors import CsdInputError
from csd.package.matching.systems import ARCHITECTURES, PLATFORMS, REFUSED, SYSTEMS
from csd.package.matching.walk import Match, Node, NoMatch, Packages, going_back, read_packages, which_zip
from csd_fakes.manifests import manifests, nodes
from localorg.node.matching import NoMatchError, match_file

PACKAGES = {"ubuntu": {"20.04": {"x86_64": "a.zip"}, "22.*": {"x86_64": "b.zip"}}, "_any": {"_any": {"arm64": "c.zip"}}}


@pytest.mark.parametrize(
    ("node", "because"),
    [
        (("ubuntu", "24.04", "x86_64"), "platform key ubuntu was taken; it has no 24.04, 24.* or _any, only 20.04 and 22.*"),
        (
            ("ubuntu", "22.04", "arm64"),
            "ubuntu/22.* was taken; it has no arm64 or _any, only x86_64; _any/_any/arm64 would fit, but the agent does not go back",
        ),
        (("rocky", "9.6", "x86_64"), "_any/_any was taken; it has no x86_64 or _any, only arm64"),
        (
            ("windows", "10.0.14393nano", "386"),
            "_any/_any was taken; it has no 386 or _any, only arm64",
        ),
    ],
)
def test_why_none(node: tuple[str, str, str], because: str) -> None:
    """Observed: amazon-ssm-agent's source: the sentence. What explains it is the key that was taken last, and what it lacks."""
    platform, version, architecture = node
    said = f"failed to find platform: no manifest found for platform: {platform}, version {version}, architecture {architecture}"
    assert which_zip(PACKAGES, Node(*node)) == NoMatch(said, because)


@pytest.mark.parametrize("platform", [*REFUSED, "linuxmint"])
def test_systems_that_the_agent_does_not_serve(platform: str) -> None:
    """Observed: amazon-ssm-agent, platformFamilyForPlatform: these end before the manifest is looked into, whatever it holds."""
    found = which_zip({"_any": {"_any": {"_any": "a.zip"}}, platform: {"_any": {"_any": "a.zip"}}}, Node(platform, "1", "x86_64"))
    assert isinstance(found, NoMatch)
    assert found.said.endswith(("configure package is not supported on " + platform, "unknown platform: " + platform))


def test_manifests_of_others_are_read_with_all_their_problems() -> None:
    """What is not platform, version, architecture, file is told by its place."""
    manifest = {"packages": {"debian": [], "ubuntu": {"_any": {"x86_64": "a.zip", "arm64": {"name": "b.zip"}}}}}
    with pytest.raises(CsdInputError) as wrong:
        read_packages(manifest, "manifest.json")
    assert [(problem.where, problem.what) for problem in wrong.value.problems] == [
        ("manifest.json: packages.debian", "is not a JSON object."),
        ("manifest.json: packages.ubuntu._any.x86_64", "is not a JSON object."),
        ("manifest.json: packages.ubuntu._any.arm64", "names no file."),
    ]


def second_opinion(packages: Packages, node: Node) -> str | None:
    """AWS: ssm-agent's rules, once more: every key is given a rank by a regular expression, and the best rank of a level is taken."""

    def rank(key: str, value: str, *, is_version: bool = False) -> int:
        if key == value:
            return 100
        if is_version and (wild := re.fullmatch(r"(.*)\.\*(nano)?", key)) and bool(wild[2]) == value.endswith("nano"):
            prefix = re.escape(wild[1])
            return 10 + key.count(".") if re.match(rf"{prefix}(\.|$)", value) else 0
        return {"_any": 2, "*": 1 if is_version else 0}.get(key, 0)

    level: Any = packages
    for value, is_version in ((node.platform, False), (node.version, True), (node.architecture, False)):
        ranked = sorted((rank(key, value, is_version=is_version), key) for key in level)
        if not ranked or ranked[-1][0] == 0:
            return None
        level = level[ranked[-1][1]]
    return str(level)


@settings(max_examples=500)
@given(packages=manifests, node=nodes)
def test_three_walks_agree(packages: Packages, node: Node) -> None:
    """Observed: amazon-ssm-agent, birdwatcherservice. The desk, a second opinion and the local node's own matcher give the same zip."""
    found = which_zip(packages, node)
    desk = found.file if isinstance(found, Match) else None
    told = {p: {v: {a: {"file": f} for a, f in archs.items()} for v, archs in vs.items()} for p, vs in packages.items()}
    try:
        on_the_node, said = match_file(told, node.platform, node.version, node.architecture), ""
    except NoMatchError as refused:
        on_the_node, said = None, str(refused)
    assert desk == second_opinion(packages, node) == on_the_node
    assert isinstance(found, Match) or found.said == said
    if isinstance(found, Match):
        assert going_back(packages, node) == found.entry


def test_the_table_of_systems() -> None:
    """At least forty pairs, each told once, named as agents name themselves, and with a source."""
    keys = [(system.platform, system.version, system.architecture) for system in SYSTEMS]
    assert len(set(keys)) == len(keys) >= 40
    assert {system.platform for system in SYSTEMS} <= {*PLATFORMS, *REFUSED}
    assert all(system.source and system.architecture in ARCHITECTURES for system in SYSTEMS)
