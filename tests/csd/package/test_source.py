"""What the targets of a package.yaml may say."""

import pytest
from pydantic import ValidationError

from csd.package.matching.systems import ARCHITECTURES, PLATFORMS, SYSTEMS
from csd.package.matching.walk import version_keys
from csd.package.source import Target


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
