"""The types of parameters: which there are, which are lists, and which of them stand for something that exists elsewhere.

Flow: a declaration's Type -> `kind_of` -> Kind.
Rules: an AWS-specific type is supported where localorg has the things that it names; every other one is refused by name.

AWS: CloudFormation user guide, "Parameters", supported AWS-specific and Systems Manager parameter types.
"""

from dataclasses import dataclass

INSTANCE = "AWS::EC2::Instance::Id"
PARAMETER_NAME = "AWS::SSM::Parameter::Name"


@dataclass(frozen=True)
class Kind:
    """What a type says of its value."""

    is_list: bool = False
    is_number: bool = False
    stored: bool = False
    """The value is the name of a parameter in Parameter Store, whose value is meant."""
    names: str = ""
    """What every member must name: an AWS-specific type, or an empty string."""


def _kinds() -> dict[str, Kind]:
    specific = {INSTANCE: Kind(names=INSTANCE), f"List<{INSTANCE}>": Kind(is_list=True, names=INSTANCE)}
    stored = {
        "String": Kind(stored=True),
        "CommaDelimitedList": Kind(is_list=True, stored=True),
        "List<String>": Kind(is_list=True, stored=True),
        INSTANCE: Kind(stored=True, names=INSTANCE),
        f"List<{INSTANCE}>": Kind(is_list=True, stored=True, names=INSTANCE),
    }
    return {
        "String": Kind(),
        "Number": Kind(is_number=True),
        "CommaDelimitedList": Kind(is_list=True),
        "List<Number>": Kind(is_list=True, is_number=True),
        PARAMETER_NAME: Kind(names=PARAMETER_NAME),
        **specific,
        **{f"AWS::SSM::Parameter::Value<{name}>": kind for name, kind in stored.items()},
    }


TYPES = _kinds()


def kind_of(name: str) -> Kind:
    """Return what a supported type says; `declaration_problems` has refused every other one."""
    return TYPES.get(name, Kind())
