"""Entries that no node reaches, and nodes that fall between: found by the walk itself."""

from typing import get_args

import pytest
from hypothesis import given

from csd.package.matching.reach import holes, unreachable, witnesses
from csd.package.matching.systems import PLATFORMS
from csd.package.matching.walk import Match, Node, Packages, going_back, version_key, which_zip
from csd.package.source import Platform
from csd_fakes.manifests import manifests, nodes

ALL = {platform: {"_any": {"_any": "a.zip"}} for platform in PLATFORMS}


@pytest.mark.parametrize(
    ("packages", "told"),
    [
        ({"debian": {"_any": {"x86_64": "a"}, "*": {"arm64": "b"}}}, ["debian/*/arm64 …: debian/_any is tried first."]),
        ({"rhel": {"_any": {"_any": "a"}}}, ["rhel/_any/_any …: no agent calls its platform 'rhel'; it says 'redhat'."]),
        ({"linux": {"_any": {"_any": "a"}}}, ["linux/_any/_any …: no agent calls its platform 'linux'."]),
        (
            {"debian": {"12": {"amd64": "a", "_any": "b"}}},
            ["debian/12/amd64 …: no agent calls its architecture 'amd64'; it says 'x86_64'."],
        ),
        (
            {"redhat": {"7*": {"_any": "a"}}},
            ["redhat/7*/_any …: a version is '7.4', '7.*', '_any' or '*'; '7*' is none of them."],
        ),
        (
            {"ubuntu": {"10.*nano": {"_any": "a"}}, "windows": {"10.*nano": {"_any": "a"}}},
            ["ubuntu/10.*nano/_any …: only Windows has versions that end in 'nano'."],
        ),
        (
            {"debian": {"_any": {"x86_64": "a", "arm64": "a", "386": "a", "arm": "a", "_any": "b"}}},
            ["debian/_any/_any …: every architecture has a key of its own."],
        ),
        (ALL | {"_any": {"_any": {"_any": "b"}}}, ["_any/_any/_any …: every platform has a key of its own."]),
        ({"_any": {"10.*nano": {"_any": "a"}, "*": {"_any": "b"}}, "debian": {"*": {"_any": "c"}}}, []),
    ],
)
def test_what_no_node_reaches(packages: Packages, told: list[str]) -> None:
    """Each with the key that shuts nodes out, and the agent's own word where another tool's was used."""
    assert [str(found) for found in unreachable(packages)] == [line.replace("…", "can never be chosen") for line in told]


@pytest.mark.parametrize(
    ("packages", "told"),
    [
        (
            {"debian": {"_any": {"x86_64": "a"}}, "_any": {"_any": {"arm64": "b"}}},
            ["debian/_any has no zip for arm64, and … _any/_any/arm64 once the version was taken."],
        ),
        (
            {"debian": {"12": {"x86_64": "a"}, "_any": {"_any": "b"}}},
            ["debian/12 has no zip for architectures other than x86_64, and … debian/_any/_any once the version was taken."],
        ),
        (
            {"ubuntu": {"20.04": {"_any": "a"}, "22.04": {"_any": "a"}}, "_any": {"_any": {"_any": "b"}}},
            ["ubuntu has no zip for versions other than 20.04 and 22.04, and … _any/_any/_any once the platform was taken."],
        ),
        ({"debian": {"_any": {"x86_64": "a"}}, "ubuntu": {"_any": {"arm64": "b"}}}, []),
        ({"debian": {"12": {"x86_64": "a"}}}, []),
    ],
)
def test_who_falls_between(packages: Packages, told: list[str]) -> None:
    """A hole is a node for which a wider entry is there; a node for which nothing was ever meant is none."""
    assert [str(hole) for hole in holes(packages)] == [line.replace("…", "the agent does not fall back to") for line in told]


@given(packages=manifests, node=nodes)
def test_a_witness_stands_for_every_node(packages: Packages, node: Node) -> None:
    """What any node reaches is not called unreachable, and whoever falls between is in a hole that is told."""
    found = which_zip(packages, node)
    if isinstance(found, Match):
        assert found.entry not in {one.entry for one in unreachable(packages)}
    elif going_back(packages, node):
        platform = node.platform if node.platform in packages else "_any"
        taken = (platform, version_key(node.version, packages[platform]) or "")
        assert taken in {(hole.platform, hole.version) for hole in holes(packages)}


@given(packages=manifests)
def test_what_is_not_called_unreachable_is_reached(packages: Packages) -> None:
    """Every other entry has a node that ends there, and it is one that can be: a platform the agent knows, Nano Server on Windows alone."""
    never = {one.entry for one in unreachable(packages)}
    walked = {node: found.entry for node in witnesses(packages) if isinstance(found := which_zip(packages, node), Match)}
    assert never.isdisjoint(walked.values())
    assert all(node.platform in PLATFORMS for node in walked)
    assert all(node.platform == "windows" or not node.version.endswith("nano") for node in walked)


def test_package_yaml_takes_the_platforms_that_agents_have() -> None:
    """One list of platforms in two places: pydantic's needs literals."""
    assert set(get_args(Platform)) == {*PLATFORMS, "_any"}
