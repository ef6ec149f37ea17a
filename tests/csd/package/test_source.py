"""What the targets of a package.yaml may say."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from csd.errors import CsdInputError
from csd.package.matching.systems import ARCHITECTURES, PLATFORMS, SYSTEMS
from csd.package.matching.walk import version_keys
from csd.package.source import Target, read_source


@pytest.mark.parametrize("version", sorted({system.version for system in SYSTEMS}))
def test_every_key_that_an_agent_looks_for_can_be_written(version: str) -> None:
    """Documented: the walk's keys (birdwatcherservice), with 10.0.*nano and the like for Nano Server."""
    for key in version_keys(version):
        assert Target(platform="windows", version=key).version == key


def test_every_word_of_an_agent_can_be_written() -> None:
    """Documented: envdetect constants; 32-bit Raspberry Pi OS says arm."""
    for platform in PLATFORMS:
        for architecture in ARCHITECTURES:
            Target.model_validate({"platform": platform, "architecture": architecture})


@pytest.mark.parametrize("version", ["10.*.nano", "10*nano", "*nano", "10.0.*nanos", "10.0.*x", "", ".*"])
def test_a_version_that_no_walk_comes_to_is_refused(version: str) -> None:
    """A wildcard stands for whole parts at the end."""
    with pytest.raises(ValidationError, match="pattern"):
        Target(platform="windows", version=version)


@pytest.mark.parametrize(("key", "word", "right"), [("platform", "RHEL", "redhat"), ("architecture", "amd64", "x86_64")])
def test_a_word_of_other_tools_is_answered_with_the_agents(key: str, word: str, right: str, tmp_path: Path) -> None:
    """The list of all words stands there too; this says which."""
    target = {"platform": "debian"} | {key: word}
    told = {"name": "tool", "version": "1", "platforms": [{"folder": "linux", "targets": [target]}]}
    (tmp_path / "package.yaml").write_text(yaml.safe_dump(told))
    with pytest.raises(CsdInputError, match=rf"targets\[0\]\.{key}: Input should be .*; found '{word}'\. Write '{right}'\."):
        read_source(tmp_path)
