"""The tags of a resource by its ARN, as a policy asks for them."""

import pytest
from parameters.harness import HOME, HUB, Harness

from localorg.kernel.errors import NotSupported
from localorg.parameters.service import Parameters
from localorg.protocol.resource_tags import ResourceTags

TEAM = [{"Key": "Team", "Value": "blue"}]


def known(house: Harness) -> ResourceTags:
    tags = ResourceTags()
    tags.know(Parameters(house.kernel).tagged())
    return tags


@pytest.mark.parametrize("name", ["plain", "/slashed", "/a/b"])
def test_a_parameter_is_found_by_its_arn_with_and_without_a_slash(name: str) -> None:
    """Documented: user guide, sysman-paramstore-access: parameter/NAME, with one slash for a path."""
    house = Harness()
    house.put(name, Tags=TEAM)
    resource = f"arn:aws:ssm:{HOME}:{HUB}:parameter/{name.removeprefix('/')}"
    assert known(house)(HUB, resource) == {"Team": "blue"}


@pytest.mark.parametrize("resource", ["*", f"arn:aws:ssm:{HOME}:{HUB}:parameter/absent", f"arn:aws:ssm:{HOME}:{HUB}:parameter/*"])
def test_what_is_not_there_has_no_tags(resource: str) -> None:
    """Documented: IAM user guide: a key that the request has not is absent."""
    assert known(Harness())(HUB, resource) == {}


@pytest.mark.parametrize(
    "resource", [f"arn:aws:iam::{HUB}:role/r", f"arn:aws:sns:{HOME}:{HUB}:topic", f"arn:aws:ssm:{HOME}:{HUB}:document/d"]
)
def test_tags_that_nobody_here_keeps_are_refused_by_name(resource: str) -> None:
    """A condition on them is neither true nor false here (localorg's own rule)."""
    with pytest.raises(NotSupported, match=f"a condition on the tags of {resource.replace('*', '.')}"):
        known(Harness())(HUB, resource)
