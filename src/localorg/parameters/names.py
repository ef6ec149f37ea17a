"""Names of parameters: which may be given, and what a reader may write instead of one (name:version, an ARN).

AWS: API PutParameterRequest.Name; user guide, sysman-paramstore-su-create.
Rules: pure. Spaces around a name are dropped, as AWS does; spaces inside are refused.
"""

import re
from dataclasses import dataclass

from localorg.kernel.arn import Arn, parse_arn
from localorg.kernel.errors import AwsError

LEVELS_MAX = 15
LENGTH_MAX = 1011
"""AWS: same text; it counts the characters of the ARN before the name too."""
NAME = re.compile(r"[a-zA-Z0-9_.\-/]+")
SELECTOR = re.compile(r"(?P<name>[a-zA-Z0-9_.\-/]+)(?::(?P<selector>[a-zA-Z0-9_.\-]+))?")
RESOURCE = "parameter/"


@dataclass(frozen=True)
class Wanted:
    """What a reader asks for: `selector` is a version number or a label, empty for the newest version."""

    name: str
    selector: str = ""


def arn(partition: str, region: str, account: str, name: str) -> str:
    """Return the ARN of a parameter: a name that begins with a slash brings the slash after `parameter` itself."""
    return str(Arn(partition, "ssm", region, account, RESOURCE + name.removeprefix("/")))


def check_new(name: str, arn_length: int) -> None:
    """Raise when a parameter may not be called `name`. `arn_length` counts the characters of its ARN."""
    if not NAME.fullmatch(name) or name.endswith("/") or "//" in name:
        raise _refuse(
            f"The parameter name {name!r} is not valid: it may have letters, digits and the symbols . - _, "
            "with / between the levels of a path."
        )
    if "/" in name and not name.startswith("/"):
        raise _refuse(f"Parameter name must be a fully qualified name: a path begins with a slash, so /{name}.")
    if name.lower().lstrip("/").startswith(("aws", "ssm")):
        # AWS: the error of a path below /aws is an AccessDeniedException. Observed by moto: moto/ssm/models.py put_parameter.
        if name.lower().startswith("/aws") and name.count("/") > 1:
            raise AwsError("AccessDeniedException", f"No access to reserved parameter name: {name}.")
        raise _refuse('Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).')
    levels = name.strip("/").count("/") + 1
    if levels > LEVELS_MAX:
        raise AwsError("HierarchyLevelLimitExceededException", f"{name} has {levels} levels; at most {LEVELS_MAX} are possible.")
    if arn_length > LENGTH_MAX:
        raise _refuse(f"The ARN of the parameter would have {arn_length} characters; at most {LENGTH_MAX} are possible.")


def check_path(path: str) -> None:
    """Raise ValidationException when `path` is no path that parameters can lie under."""
    if not path.startswith("/") or "//" in path or not NAME.fullmatch(path):
        raise _refuse(
            f"The path {path!r} must begin with a forward slash and have letters, digits, '.', '-', '_' between slashes, "
            "for example /get/parameters2-/by1./path0_."
        )


def wanted(text: str) -> Wanted | None:
    """Return the name and selector that `text` means: NAME, NAME:VERSION, or an ARN with the same. None when it is neither."""
    given = parse_arn(text)
    plain = text.strip()
    if given is not None:
        if given.service != "ssm" or not given.resource.startswith(RESOURCE):
            return None
        plain = given.resource.removeprefix(RESOURCE)
        plain = f"/{plain}" if "/" in plain else plain
    found = SELECTOR.fullmatch(plain)
    return Wanted(found["name"], found["selector"] or "") if found else None


def _refuse(message: str) -> AwsError:
    return AwsError("ValidationException", message)
